"""What the programs of the conference promise, and what its service makes of it."""
