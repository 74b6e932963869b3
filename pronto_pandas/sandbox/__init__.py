"""A local test server for the Pronto API: made-up people, real HTTP, simulated errors.

Use it to try the package without a key, and in your tests:

>>> from pronto_pandas.sandbox import Sandbox, Server
>>> with Server(Sandbox(latency=0.1)) as server:
...     print(server.sandbox.credits)
100000
"""

from .server import Server, in_process
from .service import Sandbox

__all__ = ["Sandbox", "Server", "in_process"]
