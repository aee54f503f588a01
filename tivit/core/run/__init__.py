"""How a stage runs: command line, worker processes, progress bars, fingerprints and the `runtime` params."""
