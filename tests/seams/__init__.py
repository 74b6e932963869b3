"""What tests and benchmarks use from inside the package: one file for each of its packages.

All else that they import is public. So a rename inside the package costs one line here. Code that
tests run in another process imports from here, too.
"""
