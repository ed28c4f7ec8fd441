"""Reading, saving and importing campaigns."""
