"""What the shop's services promise. Services know each other by these files alone."""
