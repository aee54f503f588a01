"""Which thresholds: grids, operating points, the search over them, calibration (numpy)."""
