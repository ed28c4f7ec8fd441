"""Work that outlives a request: launching, watching, advancing, recovering, scheduling, relaying, sweeping."""
