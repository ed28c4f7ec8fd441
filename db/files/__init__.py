"""The embedded catalog: files and datasets."""
