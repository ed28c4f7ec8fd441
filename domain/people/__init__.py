"""Experiments: in which folders their files may lie."""
