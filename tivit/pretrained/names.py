"""Where the weights that come with the project lie, and trained ones after `dvc repro`; imports nothing that takes long."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
WEIGHTS_NAME, THRESHOLDS_NAME, RECIPE_NAME, CARD_NAME = "weights.pt", "thresholds.json", "recipe.yaml", "card.md"
EXPORTED = Path("data/exported")
"""Where exported weights go unless another folder is named."""
TRAINED_CHECKPOINT, TRAINED_THRESHOLDS = Path("data/model/best.pt"), Path("metrics/thresholds.json")
