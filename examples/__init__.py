"""A campaign whose result can be recomputed without POMS."""
