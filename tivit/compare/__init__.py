"""Methods side by side: trained for the same time, scored on the same clips by the pipeline's own sweep and evaluation."""
