"""pandas in, pandas out; does no I/O."""
