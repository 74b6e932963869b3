"""Sends HTTP requests to Pronto; does not use pandas."""
