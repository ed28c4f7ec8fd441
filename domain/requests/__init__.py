"""What somebody wants produced, who has to agree to it, and whether they have."""
