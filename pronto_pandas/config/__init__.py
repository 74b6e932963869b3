"""Settings: the key, the service, the limits, and where each comes from."""
