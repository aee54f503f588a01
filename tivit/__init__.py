"""Video of a piano keyboard in, notes out: the library under the DVC stages of TiViT-Piano.

`from tivit import transcribe` is the function of `tivit.api`. It is imported when its name is asked for, so that importing any
part of `tivit` loads nothing else of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tivit.api import transcribe

__all__ = ["transcribe"]


def __getattr__(name: str) -> Any:
    """Return what `__all__` names, imported now (PEP 562); every other name is an error, as of any module."""
    if name == "transcribe":
        from tivit.api import transcribe

        return transcribe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, which `help` and editors show."""
    return __all__
