"""Speaks HTTP with Pronto; knows no pandas."""
