"""The page on which a transcription is seen, heard and mended: one HTML file that needs no network."""
