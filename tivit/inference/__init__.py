"""From strips to logits with a trained model (torch)."""
