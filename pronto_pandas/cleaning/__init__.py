"""Clean values as people write them, so that they can be sent."""
