"""The weights that come with the project, with their thresholds and model card; no stage of the pipeline reads them."""
