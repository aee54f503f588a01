"""Unattended rounds of training and calibration, each of them a DVC experiment (no torch, no import of DVC)."""
