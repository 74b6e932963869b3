"""The run that submits a bulk job."""

from __future__ import annotations

import secrets
import time
from collections import Counter as Counts
from collections.abc import Iterable, Sequence

from .. import run_messages
from ..api.client import Client
from ..api.spec import BULK_LEAST, EnrichmentType
from ..errors import ConfigurationError, RefusedWarning, warn
from ..frame.results import Result
from ..notebook.progress import Watcher
from ..preview import Preview
from ..run import Run
from ..sending.modes import Mode
from ..sending.recorder import Recorder
from ..storage.store import Ledger
from .batches import BulkCall, JobNotes, webhook_mode
from .store import JobRow


class BulkRun(Run):
    """Submits what a `Run` would send, in batches; the answers come to the webhook.

    Parameters
    ----------
    preview : Preview
        Of one type.
    progress : bool or callable
        How the caller wants to see it.
    webhook_url : str
        Where the answers are posted.
    phone_country_codes : sequence of str, optional
        ISO 3166-1 alpha-2.
    """

    def __init__(
        self,
        preview: Preview,
        progress: bool | Watcher,
        *,
        webhook_url: str,
        phone_country_codes: Sequence[str] | None,
    ) -> None:
        super().__init__(preview, preview.lookup.to_send, progress)
        if 0 < len(self.requests) < BULK_LEAST:
            raise ConfigurationError(
                "Only one person is left to send, and a bulk request needs at least two. Use "
                f'df.pronto.enrich(type="{self._options.types[0]}") instead. Nothing was sent.'
            )
        self._webhook_url, self._codes = webhook_url, phone_country_codes
        self.job = JobRow(
            secrets.token_hex(6), self._settings.service, self._options.types[0], time.time()
        )

    def _recorder(self, ledger: Ledger) -> Recorder:
        return Recorder(ledger, self._preview.lookup.renewal, JobNotes(self.job))

    def _mode(self, client: Client) -> Mode:
        return webhook_mode(BulkCall(client, self.job.id, self._webhook_url, self._codes))

    def _verdict(self, result: Result, asks: Iterable[EnrichmentType]) -> str:
        """Count what Pronto has accepted as submitted, rather than as unknown."""
        accepted = any(getattr(outcome, "delivered_later", False) for outcome in result.values())
        return "submitted" if accepted else super()._verdict(result, asks)

    def told(self) -> JobRow:
        """Return the job; raise or warn if the run stopped early.

        Raises
        ------
        AuthenticationError, ConsentRequiredError, ConnectionFailedError
            The service stopped the run.
        """
        type_ = self._options.types[0]
        rows: Counts[str] = Counts()
        for result, count in zip(self._results, self._preview.plan.rows_per_contact, strict=True):
            if type_ in result and not result[type_].delivered_later:
                rows[result[type_].state] += int(count)
        run_messages.raise_if_useless(self._stopped_by, any_done=self._any_done)
        if rows["error"]:
            said = [one for result in self._results for one in result.values()]
            words = {one.message for one in said if one.state == "error"}
            warn(
                f"Pronto refused {rows['error']} rows: {' '.join(sorted(w for w in words if w))} "
                "They were not charged. Run the same line again to resend them.",
                RefusedWarning,
            )
        run_messages.warn_of(
            self._stopped_by,
            pending=rows["pending"],
            unknown=rows["unknown"],
            over=self._options.max_credits if self._over_budget else None,
        )
        return self.job
