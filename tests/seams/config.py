"""Of `config`: the settings of now, and where a key comes from."""

from pronto_pandas.config import credentials
from pronto_pandas.config.settings import current, set_session_key
from pronto_pandas.config.validation import BudgetSetting

__all__ = [
    "BudgetSetting",
    "credentials",
    "current",
    "set_session_key",
]
