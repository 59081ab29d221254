"""Pages of the results of all stages together."""
