"""The one exception for bad input, and how a value is quoted in its message.

The message is what the user reads, so it names the file, the value and what is allowed.
"""

from __future__ import annotations

import reprlib

MOST_LETTERS = 60
"""A value is quoted in a message up to this length."""
MOST_BITS = 64
"""A whole number of more bits is not written out."""


class InputError(ValueError):
    """A file, parameter or argument that cannot be used; the message is one clear sentence."""


def quoted(value: object) -> str:
    """Return a value as it stands in a message.

    Parameters
    ----------
    value : object
        The value, as a file gives it. It may be of any size: a short YAML file can hold a structure of
        astronomical size.

    Returns
    -------
    str
        Its `repr`, shortened in the middle.
    """
    return _QUOTES.repr(value)


class _Quotes(reprlib.Repr):
    """Short texts of values; a number of many digits is not written out, which takes long and may be forbidden."""

    def repr_int(self, value: int, level: int) -> str:
        return repr(value) if value.bit_length() <= MOST_BITS else f"a whole number of {value.bit_length()} bits"


_QUOTES = _Quotes()
_QUOTES.maxlevel, _QUOTES.maxdict, _QUOTES.maxlist, _QUOTES.maxstring, _QUOTES.maxother = 2, 2, 3, MOST_LETTERS, MOST_LETTERS
