"""From a reading to a verdict: keys in view, octave, x correction, and whether to believe it."""
