"""What a person sees, and the event loop behind it."""
