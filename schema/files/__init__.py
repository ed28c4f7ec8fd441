"""Files and datasets, as a client sees them."""
