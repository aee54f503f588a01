"""The commands of `tivit`, one file per command: `add` says what the command takes, `run` carries it out."""
