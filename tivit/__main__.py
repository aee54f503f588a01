"""`python -m tivit`, the same as the command `tivit` of an installed package."""

from __future__ import annotations

from tivit.commands.main import main

if __name__ == "__main__":
    raise SystemExit(main())
