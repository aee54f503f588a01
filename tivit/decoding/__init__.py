"""From logits to notes: thresholds, events, two decoders, and the notes they make (numpy)."""
