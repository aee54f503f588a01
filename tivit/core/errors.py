"""The one exception for bad input. Its message is what the user reads, so it names the file, the value and what is allowed."""


class InputError(ValueError):
    """A file, parameter or argument that cannot be used; the message is one clear sentence."""
