"""The ledger: what was sent, and every answer, in SQLite or PostgreSQL."""
