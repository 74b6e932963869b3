"""The panel, of widgets that ipywidgets 7 and 8 both have.

Plain fields and buttons in one column, each reached by the tab key; every state and error is in
words; all colours are the page's own. A handler runs in the kernel's main thread and returns when
its work is done.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, Final

import ipywidgets
import traitlets

from ..config import credentials, validation
from ..config.settings import current
from ..errors import ConfigurationError, ProntoError
from . import actions, colab
from .actions import Place, Said

if TYPE_CHECKING:
    from pydantic import SecretStr

_WIDE: Final = "48em"

_NOTHING_TYPED: Final = Said("Type or paste a key into the field first.", False)

_TAKEN: Final = Said(
    "A key was typed; the field is empty again, so that no notebook file holds it. Now test it, or "
    "keep it."
)


class _KeyField(ipywidgets.Password):  # type: ignore[misc]  # ipywidgets has no types
    """A field for the key.

    Its value comes when the field is left, as a whole, and ipywidgets 8 does not repeat it to the
    pages that are open.
    """

    value = traitlets.Unicode("").tag(sync=True, echo_update=False)


class Section:
    """A heading, how things stand, what can be done, and what became of it.

    Parameters
    ----------
    title : str
        The heading.
    state : callable
        Says how things stand.
    before : callable
        Is called before each action.
    """

    def __init__(self, title: str, state: Callable[[], str], before: Callable[[], None]) -> None:
        self._state, self._before = state, before
        self._now, self._said = _text(), _text()
        self.rows: list[Any] = [_heading("h4", title), self._now]
        self.refresh()

    def add(self, *row: Any) -> None:
        """Put widgets side by side, where they fit."""
        layout = ipywidgets.Layout(display="flex", flex_flow="row wrap")
        self.rows.append(ipywidgets.Box(list(row), layout=layout))

    def box(self) -> Any:
        """Return the whole section."""
        return ipywidgets.VBox([*self.rows, self._said])

    def button(self, label: str, work: Callable[[], Said], doing: str = "") -> Any:
        """Return a button that does something and says what became of it."""
        button = ipywidgets.Button(description=label, layout=ipywidgets.Layout(width="auto"))
        button.on_click(lambda _: self.do(work, doing))
        return button

    def do(self, work: Callable[[], Said], doing: str = "") -> None:
        """Do something, and say what became of it."""
        self._before()
        self.say(doing)
        try:
            said = work()
        except ProntoError as error:
            said = Said(str(error), False)
        except Exception as error:  # noqa: BLE001  a handler's error is shown nowhere else
            said = Said(
                f"This failed ({type(error).__name__}). Nothing else is known of it.", False
            )
        self.say(said)
        self.refresh()

    def say(self, words: Said | str) -> None:
        """Show words, and have them read out."""
        self._said.value = f'<div role="status">{escape(str(words))}</div>' if words else ""

    def refresh(self) -> None:
        """Show how things stand now."""
        self._now.value = _lines(self._state())


class Panel:
    """The panel; `root` is what is displayed."""

    def __init__(self) -> None:
        self._typed: SecretStr | None = None
        self._sure = False
        self.field = _KeyField(
            description="API key", placeholder="paste it here", continuous_update=False
        )
        self.field.observe(lambda _: self._take(), "value")
        self._key = self._key_section()
        self._ledger = self._ledger_section()
        sections = [self._key, self._consent_section(), self._ledger, self._pace_section()]
        self.root = ipywidgets.VBox(
            [
                _heading("h3", "Pronto"),
                _text(_lines(actions.PRIVACY)),
                *(section.box() for section in sections),
            ],
            layout=ipywidgets.Layout(max_width=_WIDE),
        )

    def _take(self) -> None:
        """Take what was typed out of the field at once, before anything else can happen."""
        typed, self.field.value = self.field.value, ""
        if not typed:  # that was the clearing
            return
        try:
            self._typed = validation.key(typed, "The key")
        except ConfigurationError as error:
            self._typed = None
            self._key.say(Said(str(error), False))
        else:
            self._key.say(_TAKEN)

    def _key_section(self) -> Section:
        possible = credentials.keyring_name() is not None
        places = actions.places()
        section = Section("API key", lambda: f"{actions.key_state()}\n{places}", self._unsure)
        section.add(self.field)
        to_keyring = section.button("Keep in the system keyring", lambda: self._keep("keyring"))
        to_keyring.disabled = not possible
        section.add(
            section.button("Test", self._test, "Asking Pronto …"),
            section.button("Keep for this session", lambda: self._keep("session")),
            to_keyring,
            section.button("Forget", self._forget),
        )
        if colab.here():
            section.add(section.button("Take it from the Colab secret", colab.take_secret))
        return section

    def _test(self) -> Said:
        self._take()
        return actions.try_key(self._typed)

    def _keep(self, place: Place) -> Said:
        self._take()
        if self._typed is None:
            return _NOTHING_TYPED
        said = actions.keep(self._typed, place)
        if said.good:
            self._typed = None
        return said

    def _forget(self) -> Said:
        self.field.value, self._typed = "", None
        return actions.forget()

    def _consent_section(self) -> Section:
        section = Section("Personal emails", actions.consent_state, self._unsure)
        purpose = ipywidgets.Text(description="Purpose", placeholder="what you use them for")

        def give() -> Said:
            said = actions.give_consent(purpose.value)
            if said.good:
                purpose.value = ""
            return said

        section.add(purpose)
        section.add(
            section.button("Record consent", give),
            section.button("Take it back", actions.take_consent_back),
        )
        return section

    def _ledger_section(self) -> Section:
        section = Section("Ledger", _ledger_words, lambda: None)
        self._delete = section.button("", self._forget_all)
        self._stay = section.button("No, keep them", lambda: Said("Nothing was deleted."))
        self._stay.on_click(lambda _: self._unsure())
        self._unsure()
        section.add(self._delete, self._stay)
        if colab.here():
            to_drive = section.button("Keep it on Drive", colab.ledger_to_drive, "Mounting Drive …")
            to_drive.on_click(lambda _: self._unsure())
            section.add(to_drive)
        return section

    def _forget_all(self) -> Said:
        """Ask at the first click, delete at the second."""
        if self._sure:
            self._unsure()
            return actions.forget_all()
        self._sure = True
        self._delete.description = "Yes, delete all answers"
        self._stay.disabled = False
        return Said(
            "Nothing is deleted yet. Click again to delete all answers, of everybody; asking for "
            "them again is paid for again."
        )

    def _unsure(self) -> None:
        """Take the question back: any other click means something else."""
        self._sure = False
        self._delete.description = "Forget all answers"
        self._stay.disabled = True

    def _pace_section(self) -> Section:
        section = Section("Pace", actions.pace_state, self._unsure)
        slowest, fastest = actions.SLOWEST, actions.FASTEST
        rate = ipywidgets.BoundedIntText(
            value=min(max(round(current().rate), slowest), fastest),
            min=slowest,
            max=fastest,
            description="Requests/s",
        )
        section.add(rate, section.button("Set the pace", lambda: actions.set_pace(rate.value)))
        return section


def _ledger_words() -> str:
    return "\n".join([actions.ledger_state(), *([colab.warning()] if colab.here() else [])])


def _lines(words: str) -> str:
    lines = "<br>".join(escape(line) for line in words.splitlines())
    return f'<div style="line-height:1.4">{lines}</div>'


def _heading(level: str, title: str) -> Any:
    return _text(f'<{level} style="margin:0">{escape(title)}</{level}>')


def _text(html: str = "") -> Any:
    return ipywidgets.HTML(html)


def show() -> None:
    """Display the panel below the cell."""
    from IPython.display import display

    display(Panel().root)  # type: ignore[no-untyped-call]  # IPython has no type for it
