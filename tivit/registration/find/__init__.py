"""From dark blobs to readings: which key each black key is, and where the camera stands."""
