"""Sample files of made-up people: ``pronto.sample()``."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigurationError


def sample(name: str = "leads.csv") -> Path:
    """Return the path of a sample file of made-up people. Sends nothing, costs nothing.

    Parameters
    ----------
    name : str
        ``"leads.csv"``: 240 sales leads with recognized columns. ``"export.csv"``: a messy CRM
        export of 300 contacts.

    Returns
    -------
    Path
        Path to pass to `pronto_pandas.read`. The file belongs to the package; do not overwrite it.

    Raises
    ------
    ConfigurationError
        There is no sample of this name.
    """
    folder = Path(__file__).parent
    names = sorted(path.name for path in folder.glob("*.csv"))
    if name not in names:
        raise ConfigurationError(f"Unknown sample {name!r}. Available: {', '.join(names)}.")
    return folder / name
