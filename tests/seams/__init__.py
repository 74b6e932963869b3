"""What tests and benchmarks may use of the package's inside: a module for each of its packages.

All else in `tests` imports what users import, and from here, so that a module or a name inside
the package can change at the cost of one line.
"""
