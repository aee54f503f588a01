"""One thin script per DVC stage: read its params section, call the library, write the declared outputs."""
