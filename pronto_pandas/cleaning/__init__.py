"""Values as people write them, to values that can be sent."""
