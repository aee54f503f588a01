"""The commands of `tivit`, one file per command.

`add(commands)` adds the command with its options to the subparsers of the program and returns its parser. `run(arguments)`
carries the command out and returns the exit status; for bad input it raises InputError, which `main` turns into one sentence.
Everything that takes long to import is imported in `run`.
"""
