"""From a stage to the batch system: slices, plans, the queue, launch attempts."""
