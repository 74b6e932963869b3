"""Many people in one request, and the webhook that gets their answers."""
