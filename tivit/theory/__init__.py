"""Musical key: profiles, posterior over 24 keys, key-aware rescoring of logits (numpy)."""
