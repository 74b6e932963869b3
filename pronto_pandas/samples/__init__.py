"""Made-up lists to try things on: ``pronto.sample()``."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigurationError


def sample(name: str = "leads.csv") -> Path:
    """Return where a made-up list is. Sends nothing, costs nothing.

    Parameters
    ----------
    name : str
        ``"leads.csv"``: 240 people as a sales team has them, in columns that are understood.
        ``"export.csv"``: 300 contacts of a CRM, with everything wrong that can be.

    Returns
    -------
    Path
        For `pronto_pandas.read`. The file is part of the package; save elsewhere.

    Raises
    ------
    ConfigurationError
        Where there is no such list.
    """
    folder = Path(__file__).parent
    names = sorted(path.name for path in folder.glob("*.csv"))
    if name not in names:
        raise ConfigurationError(
            f"There is no sample {name!r}. The samples are {', '.join(names)}."
        )
    return folder / name
