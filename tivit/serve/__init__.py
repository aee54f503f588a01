"""`tivit serve`: a page on this machine alone, onto which videos are dropped and on which their notes are mended."""
