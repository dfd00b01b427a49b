"""What all services stand on: the central database, and how a service is put together."""
