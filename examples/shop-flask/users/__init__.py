"""Users: to manage user data."""
