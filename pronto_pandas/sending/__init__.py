"""Sends each request once, safely, and as fast as Pronto allows; does not use pandas."""
