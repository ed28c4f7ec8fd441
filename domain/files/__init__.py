"""Files and datasets: where jobs put files, and what was made from what."""
