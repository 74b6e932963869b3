"""Sends each contact once, safely, as fast as the service allows; knows no pandas."""
