"""What launches are made with: job types, login setups, launch hosts, what stages may ask for."""
