"""From logits to notes (numpy)."""
