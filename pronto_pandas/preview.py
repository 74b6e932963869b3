"""Plan a DataFrame and look it up in the ledger, before anything is sent."""

from __future__ import annotations

import time

import pandas as pd

from .api.spec import EnrichmentType
from .config.settings import Settings
from .frame.options import Options
from .frame.plan import Plan, make
from .frame.results import already_filled, assemble
from .frame.run_columns import lost_in
from .lookup import Lookup, Results, look_up, open_ledger, renewal_of, suppressed
from .run_messages import warn_if_incomplete


class Preview:
    """Plans the requests for a DataFrame and looks up its people in the ledger.

    Sends nothing; needs neither a key nor a network connection.

    Parameters
    ----------
    df : DataFrame
        Not modified.
    options : Options
        What to request.
    settings : Settings
        The ledger and the service.
    began : float, optional
        If the DataFrame is a later chunk of its run: when the run began, in seconds since 1970.
        Answers since then are not requested again, even with ``refresh=True``.
    bodies : bool
        If False, the answers are read only if ``suppress=`` needs them.
    """

    def __init__(
        self,
        df: pd.DataFrame,
        options: Options,
        settings: Settings,
        *,
        began: float | None = None,
        bodies: bool = True,
    ) -> None:
        self.df, self.options, self.settings = df, options, settings
        plan = make(df, options, already_filled(df, options))
        self.ledger = open_ledger(settings) if plan.contacts else None
        self.lookup, self.began = Lookup(plan, options), time.time()
        if self.ledger is not None:
            self.began = self.ledger.date() if began is None else began
            renewal = renewal_of(options, settings.max_age_days, self.began)
            lost = _lost(df, options, plan)
            self.lookup = look_up(self.ledger, plan, options, renewal, bodies=bodies, lost=lost)
        self.plan: Plan = self.lookup.plan_shown

    def frame(self) -> pd.DataFrame:
        """Return the DataFrame filled from the ledger; warn about unknown rows."""
        out = self.filled(self.lookup.results)
        warn_if_incomplete(out[f"{self.options.prefix}pronto_status"])
        return out

    def filled(self, results: Results) -> pd.DataFrame:
        """Return a copy of the DataFrame filled with results, except those of suppressed people."""
        plan, results = self.lookup.shown(results)
        if self.options.suppress is not None:
            plan = plan.without(suppressed(results, self.options.suppress))
        out = assemble(self.df, plan, self.options, results)
        out.attrs.pop("pronto", None)  # of an earlier run: ``out`` has a copy of the user's attrs
        return out


def _lost(df: pd.DataFrame, options: Options, plan: Plan) -> set[tuple[int, EnrichmentType]]:
    """Return the contacts and types that are ``unknown`` in the DataFrame."""
    return {
        (int(contact), type_)
        for type_, rows in lost_in(df, options).items()
        for contact in plan.row_contact[rows & plan.row_asks[type_] & (plan.row_contact >= 0)]
    }
