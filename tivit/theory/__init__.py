"""Musical key: profiles, the posterior over 24 keys, and key-aware rescoring of logits (numpy)."""
