"""The settings panel, made of widgets that exist in ipywidgets 7 and 8.

Plain fields and buttons in one column, which the tab key reaches in order: the key, the budget, and
the rest in sections that open with a click. Every state and every error is text, and no colour is
set. A handler runs in the kernel's main thread and returns when its
work is done.
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
from .actions import Place, Result

if TYPE_CHECKING:
    from pydantic import SecretStr

_WIDE: Final = "48em"

_NO_KEY: Final = Result("Enter an API key first.", False)

_KEY_RECEIVED: Final = Result(
    "Key received. The field does not show it, so that it is not saved in the notebook. Now test "
    "or save the key."
)
_EMPTY_FIELD: Final = "paste your key here"
_FULL_FIELD: Final = "•••••••• received, not saved yet"

_SAVE_HERE: Final = "Save key for this session"
_SAVE_IN_KEYRING: Final = "Save key in keyring"

_DELETE_ALL: Final = "Delete all answers…"
_CONFIRM: Final = "Yes, delete all answers"


class _KeyField(ipywidgets.Password):  # type: ignore[misc]  # ipywidgets has no types
    """A field for the key. ipywidgets 8 does not echo its value to other open pages."""

    value = traitlets.Unicode("").tag(sync=True, echo_update=False)


class Section:
    """A heading, the current state, fields and buttons, and the result of the last action.

    Parameters
    ----------
    title : str
        The heading.
    state : callable
        Returns the text of the current state.
    before : callable
        Called before each action.
    """

    def __init__(self, title: str, state: Callable[[], str], before: Callable[[], None]) -> None:
        self.title = title
        self._state, self._before = state, before
        self._shown_state, self._shown_result = _text(), _text()
        self.rows: list[Any] = [self._shown_state]
        self.refresh()

    def add(self, *row: Any) -> None:
        """Add a row of widgets; it wraps if it is too long."""
        layout = ipywidgets.Layout(display="flex", flex_flow="row wrap")
        self.rows.append(ipywidgets.Box(list(row), layout=layout))

    def box(self, *, heading: bool) -> Any:
        """Return the widget of the section."""
        title = [_heading("h4", self.title)] if heading else []
        return ipywidgets.VBox([*title, *self.rows, self._shown_result])

    def button(self, label: str, work: Callable[[], Result | str], waiting: str = "") -> Any:
        """Return a button that runs an action and shows its result."""
        button = ipywidgets.Button(description=label, layout=ipywidgets.Layout(width="auto"))
        button.on_click(lambda _: self.run(work, waiting))
        return button

    def run(self, work: Callable[[], Result | str], waiting: str = "") -> None:
        """Run an action and show its result."""
        self._before()
        self.show(waiting)
        try:
            result: Result | str = work()
        except ProntoError as error:
            result = Result(str(error), False)
        except Exception as error:  # noqa: BLE001  a handler's error is shown nowhere else
            result = Result(
                f"Unexpected error ({type(error).__name__}). Please report it with the steps that "
                "led to it.",
                False,
            )
        self.show(result)
        self.refresh()

    def show(self, text: Result | str) -> None:
        """Show a message; screen readers read it out."""
        status = f'<div role="status" style="line-height:1.4">{escape(str(text))}</div>'
        self._shown_result.value = status if text else ""

    def refresh(self) -> None:
        """Show the current state."""
        self._shown_state.value = _lines(self._state())


class Panel:
    """The panel; `root` is the widget to display."""

    def __init__(self) -> None:
        self._new_key: SecretStr | None = None
        self._asked_to_delete = False
        self.field = _KeyField(
            description="API key", placeholder=_EMPTY_FIELD, continuous_update=False
        )
        self.field.observe(lambda _: self._read_field(), "value")
        self._key = self._key_section()
        self._ledger = self._ledger_section()
        first = [self._key, *([self._budget_section()] if actions.has_budget() else [])]
        folded = [self._consent_section(), self._ledger, self._rate_section()]
        self.root = ipywidgets.VBox(
            [
                _heading("h3", "Pronto"),
                *(section.box(heading=True) for section in first),
                *(
                    # On Colab, the ledger is deleted with the runtime: the warning must be seen.
                    _foldable(s.title, s.box(heading=False), s is self._ledger and colab.here())
                    for s in folded
                ),
                _foldable("Privacy", _text(_lines(actions.PRIVACY))),
            ],
            layout=ipywidgets.Layout(max_width=_WIDE),
        )

    def _read_field(self) -> None:
        """Read and clear the field, before anything else can happen."""
        typed, self.field.value = self.field.value, ""
        if not typed:  # clearing the field calls this again
            return
        try:
            self._keep(validation.key(typed, "The key"))
        except ConfigurationError as error:
            self._keep(None)
            self._key.show(Result(str(error), False))
        else:
            self._key.show(_KEY_RECEIVED)

    def _keep(self, key: SecretStr | None) -> None:
        """Keep a new key in memory until it is saved; the field says that there is one."""
        self._new_key = key
        self.field.placeholder = _EMPTY_FIELD if key is None else _FULL_FIELD

    def _key_section(self) -> Section:
        has_keyring = credentials.keyring_name() is not None
        places = actions.places()
        section = Section(
            "API key", lambda: f"{actions.key_state()}\n{places}", self._close_question
        )
        section.add(self.field)
        to_keyring = section.button(_SAVE_IN_KEYRING, lambda: self._save_key("keyring"))
        to_keyring.disabled = not has_keyring
        section.add(
            section.button("Test key", self._test_key, "Contacting Pronto…"),
            section.button(_SAVE_HERE, lambda: self._save_key("session")),
            to_keyring,
            section.button("Remove key", self._remove_key),
        )
        if colab.here():
            section.add(section.button("Use Colab secret", colab.use_secret))
        return section

    def _test_key(self) -> Result:
        self._read_field()
        result = actions.check_key(self._new_key)
        if not result.ok or self._new_key is None or current().is_sandbox:
            return result
        keyring = "" if credentials.keyring_name() is None else f" or “{_SAVE_IN_KEYRING}”"
        return Result(f"{result.text} To use it, click “{_SAVE_HERE}”{keyring}.")

    def _save_key(self, place: Place) -> Result:
        self._read_field()
        if self._new_key is None:
            return _NO_KEY
        result = actions.save_key(self._new_key, place)
        if result.ok:
            self._keep(None)
        return result

    def _remove_key(self) -> Result:
        self.field.value = ""
        self._keep(None)
        return actions.remove_key()

    def _budget_section(self) -> Section:
        section = Section("Budget", actions.budget_state, self._close_question)
        credits_ = ipywidgets.BoundedIntText(min=0, max=actions.MAX_BUDGET, description="Credits")
        section.add(
            credits_,
            section.button("Set budget", lambda: actions.set_budget(credits_.value)),
            section.button("Remove budget", actions.remove_budget),
        )
        return section

    def _consent_section(self) -> Section:
        section = Section("Personal emails", actions.consent_state, self._close_question)
        purpose = ipywidgets.Text(
            description="Purpose", placeholder="e.g. recruiting engineers in Spain"
        )

        def give() -> Result:
            result = actions.give_consent(purpose.value)
            if result.ok:
                purpose.value = ""
            return result

        section.add(purpose)
        section.add(
            section.button("Record consent", give),
            section.button("Withdraw consent", actions.withdraw_consent),
        )
        return section

    def _ledger_section(self) -> Section:
        section = Section("Ledger", _ledger_state, lambda: None)
        self._delete = section.button(_DELETE_ALL, self._delete_all)
        self._cancel = section.button("Cancel", self._cancel_delete)
        self._cancel.layout.display = "none"
        section.add(self._delete, self._cancel)
        if colab.here():
            section.add(
                section.button(
                    "Move ledger to Google Drive", self._move_to_drive, "Mounting Google Drive…"
                )
            )
        return section

    def _delete_all(self) -> Result | str:
        """Ask at the first click, delete at the second."""
        if self._asked_to_delete:
            self._close_question()
            return actions.delete_all()
        self._asked_to_delete = True
        self._delete.description = _CONFIRM
        self._cancel.layout.display = None
        return (
            "Delete all saved answers? This cannot be undone. If you look up the same people "
            f"again, you will be charged again. Click “{_CONFIRM}” to confirm."
        )

    def _cancel_delete(self) -> Result:
        self._close_question()
        return Result("Nothing was deleted.")

    def _move_to_drive(self) -> Result:
        self._close_question()
        return colab.move_ledger_to_drive()

    def _close_question(self) -> None:
        """Close the question: only the next click on “Yes” confirms it."""
        if self._asked_to_delete:
            self._ledger.show("")
        self._asked_to_delete = False
        self._delete.description = _DELETE_ALL
        self._cancel.layout.display = "none"

    def _rate_section(self) -> Section:
        section = Section("Request rate", actions.rate_state, self._close_question)
        # A field with bounds would replace a higher number without a word.
        value = min(max(round(current().rate), actions.MIN_RATE), actions.MAX_RATE)
        rate = ipywidgets.IntText(value=value, description="Requests/s")
        section.add(rate, section.button("Apply rate", lambda: actions.set_rate(rate.value)))
        return section


def _foldable(title: str, content: Any, is_open: bool = False) -> Any:
    """Return a button that shows and hides its content.

    The tab key reaches it, unlike the titles of ipywidgets' own accordion.
    """
    button = ipywidgets.ToggleButton(
        value=is_open, description=title, layout=ipywidgets.Layout(width="auto")
    )

    def show_or_hide(_: object = None) -> None:
        content.layout.display = None if button.value else "none"
        button.icon = "caret-down" if button.value else "caret-right"

    button.observe(show_or_hide, "value")
    show_or_hide()
    return ipywidgets.VBox([button, content])


def _ledger_state() -> str:
    return "\n".join([actions.ledger_state(), *([colab.ledger_warning()] if colab.here() else [])])


def _lines(text: str) -> str:
    lines = "<br>".join(escape(line) for line in text.splitlines())
    return f'<div style="line-height:1.4">{lines}</div>'


def _heading(level: str, title: str) -> Any:
    return _text(f'<{level} style="margin:0">{escape(title)}</{level}>')


def _text(html: str = "") -> Any:
    return ipywidgets.HTML(html)


def show() -> None:
    """Display the panel below the cell."""
    from IPython.display import display

    display(Panel().root)  # type: ignore[no-untyped-call]  # IPython has no type for it
