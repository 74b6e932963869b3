"""Bulk jobs: people are sent in batches, and a webhook receives their answers."""
