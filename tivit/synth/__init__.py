"""The rendered dataset: two-hand music, a camera over a keyboard, hands, light, noise."""
