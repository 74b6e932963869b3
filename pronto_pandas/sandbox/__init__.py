"""The Pronto API on this machine: made-up people, real HTTP, faults on demand.

For trying things out without a key, and for your own tests:

>>> from pronto_pandas.sandbox import Sandbox, Server
>>> with Server(Sandbox(latency=0.1)) as server:
...     print(server.sandbox.credits)
100000
"""

from .server import Server, in_process
from .service import Sandbox

__all__ = ["Sandbox", "Server", "in_process"]
