"""Of `config`: the settings of now, and where a key comes from."""

from pronto_pandas.config import credentials
from pronto_pandas.config.settings import current, set_session_key

__all__ = [
    "credentials",
    "current",
    "set_session_key",
]
