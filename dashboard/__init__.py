"""A page to look at: what flows through the pipeline, as it happens."""
