"""Progress, cards and charts for notebooks and terminals, and the event loop of runs."""
