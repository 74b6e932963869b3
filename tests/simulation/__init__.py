"""The engine and the ledger in virtual time: many runs at once, and all that can go wrong.

One seed decides everything that happens: who is asked for, by which processes, and which of them
is stopped, killed or suspended when; what the network loses and the service answers. The engine,
the ledger and the database are the real ones. `python -m tests.simulation SEED` plays one again.
"""
