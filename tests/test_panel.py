"""``pronto.setup()``: the panel's words and deeds, the prompt, and where a key must not be."""

from __future__ import annotations

import getpass
import json
import logging
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import pronto_pandas as pronto

from .conftest import Serve, people
from .seams.config import credentials, current, set_session_key
from .seams.panel import Panel, actions, terminal
from .seams.panel import colab as on_colab
from .seams.root import LocalServer
from .test_kernel import Kernel, kernel
from .test_keys import Colab, FakeKeyring, colab, fake, hangs, raises
from .test_ledger import ledger_file

__all__ = ["colab", "fake", "kernel"]  # fixtures

KEY = "sk-live-0123456789"


def parts(widget: Any) -> Iterator[Any]:
    """Return a widget and all within it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts(child)


def button(panel: Panel, label: str) -> Any:
    """Return the button with a description."""
    (found,) = [part for part in parts(panel.root) if getattr(part, "description", "") == label]
    return found


def words(panel: Panel) -> str:
    """Return all that the panel says."""
    return "\n".join(str(getattr(part, "value", "")) for part in parts(panel.root))


def held(panel: Panel) -> str:
    """Return all that a notebook could save of the panel, and all that could be printed of it."""
    shown = [repr(panel), repr(panel.__dict__), repr(current()), repr(pronto.configure())]
    for part in parts(panel.root):
        shown += [repr(part), repr(part.get_state())]
    return "\n".join(shown)


@pytest.fixture
def panel() -> Panel:
    """Return a panel, as displayed by `pronto.setup`."""
    return Panel()


def accounts(account: Response, balance: Response) -> LocalServer:
    """Return a service that answers the two free calls in a way of its own."""

    async def answer(request: Request) -> Response:
        return account if request.url.path.endswith("account") else balance

    routes = [Route("/account", answer), Route("/credits", answer)]
    return LocalServer(Starlette(routes=routes), port=0)


BALANCE = {"credits": 7}


# The key, and where it must not be


def test_a_typed_key_is_in_no_widget_and_no_text(
    serve: Serve, fake: FakeKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    """From the moment it is typed, whatever is clicked next."""
    caplog.set_level(logging.DEBUG)
    serve(api_key=KEY)
    pronto.configure(api_key=None)
    panel = Panel()
    for label in (
        "Test key", "Save key for this session", "Test key", "Save key in keyring", "Test key",
        "Remove key", "Test key", "Record consent", "Delete all answers…", "Apply rate",
    ):  # fmt: skip
        panel.field.value = KEY
        assert panel.field.get_state()["value"] == ""
        assert KEY not in held(panel)
        button(panel, label).click()
        assert KEY not in held(panel)
    logged = "".join(str(record.__dict__) for record in caplog.records)
    assert KEY not in logged


def test_a_key_that_arrives_with_the_click_is_cleared_first(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the next step fails."""

    def fails(*_: object) -> None:
        assert panel.field.get_state()["value"] == ""
        raise RuntimeError(KEY)

    monkeypatch.setattr(actions, "check_key", fails)
    panel.field.unobserve_all()
    panel.field.value = KEY
    button(panel, "Test key").click()
    assert "Problem: Unexpected error (RuntimeError)" in words(panel)
    assert KEY not in held(panel)


@pytest.mark.parametrize("typed", ["two words", "“quoted-secret”", "  "])
def test_an_invalid_key_is_cleared_too(panel: Panel, typed: str) -> None:
    """The message does not contain it; the key typed before is dropped."""
    panel.field.value = KEY
    panel.field.value = typed
    assert panel.field.get_state()["value"] == ""
    assert "Problem: The key" in words(panel)
    assert typed not in words(panel).replace("  ", " ")
    button(panel, "Save key for this session").click()
    assert "Problem: Enter an API key first." in words(panel)


def test_the_field_sends_its_value_when_it_is_left() -> None:
    """Otherwise every letter would clear it. Its value is not echoed to the page."""
    field = Panel().field
    assert field.continuous_update is False
    assert field.trait_metadata("value", "echo_update") is False
    assert field.get_state()["_model_name"] == "PasswordModel"


def heard(kernel: Kernel) -> list[dict[str, Any]]:
    """Return the messages of a kernel up to the end of the cell sent last."""
    messages = []
    while True:
        message = kernel.client.get_iopub_msg(timeout=30)
        messages.append(message)
        ended = message["content"].get("execution_state") == "idle"
        if ended and message["parent_header"].get("msg_id") == kernel.sent:
            return messages


def tell(kernel: Kernel, model: str, data: dict[str, Any]) -> None:
    """Send what a page sends of a widget."""
    content = {"comm_id": model, "data": data}
    message = kernel.client.session.msg("comm_msg", content)
    kernel.client.shell_channel.send(message)
    kernel.sent = message["header"]["msg_id"]


def test_in_a_kernel_no_message_to_a_page_contains_the_key(serve: Serve, kernel: Kernel) -> None:
    """While the panel is displayed, and a key is typed, tested and saved."""
    server = serve(api_key=KEY)
    kernel.send(
        f"""
        import pronto_pandas as pronto
        pronto.configure(base_url={server.url!r})
        pronto.setup()
        """
    )
    messages = heard(kernel)
    opened = {
        m["content"]["comm_id"]: m["content"]["data"]["state"]
        for m in messages
        if m["msg_type"] == "comm_open"
    }
    shown = [m["content"]["data"] for m in messages if m["msg_type"] == "display_data"]
    assert [
        view["application/vnd.jupyter.widget-view+json"]["model_id"] in opened for view in shown
    ]
    (field,) = [name for name, s in opened.items() if s["_model_name"] == "PasswordModel"]
    (test,) = [name for name, s in opened.items() if s.get("description") == "Test key"]
    (keep,) = [n for n, s in opened.items() if s.get("description") == "Save key for this session"]

    tell(kernel, field, {"method": "update", "state": {"value": KEY}, "buffer_paths": []})
    messages = heard(kernel)
    sent = [
        m["content"]["data"]["state"]
        for m in messages
        if m["msg_type"] == "comm_msg" and m["content"]["comm_id"] == field
    ]
    assert [state["value"] for state in sent if "value" in state] == [""]
    for click in (test, keep):
        tell(kernel, click, {"method": "custom", "content": {"event": "click"}})
        messages += heard(kernel)
    printed = json.dumps([m["content"] for m in messages])
    assert "The new key works" in printed
    assert "OK: The key is saved for this session and is now used" in printed
    assert KEY not in printed
    kernel.send("print(pronto.configure())")
    assert "API key: saved for this session" in kernel.printed()


# Testing it


def test_testing_a_key_shows_account_and_balance(serve: Serve) -> None:
    """With two free requests, for the current key or a new one."""
    server = serve(api_key=KEY)
    panel = Panel()
    button(panel, "Test key").click()
    account = "Account: Sandbox, sandbox@pronto.example, Made up. Balance: 100,000 credits."
    assert f"OK: The current key works. {account}" in words(panel)
    pronto.configure(api_key="sk-wrong")
    panel.field.value = KEY
    button(panel, "Test key").click()
    assert "OK: The new key works, but is not saved yet." in words(panel)
    assert server.sandbox.charges == []
    assert current().key().get_secret_value() == "sk-wrong"


def test_the_built_in_sandbox_is_tested_with_its_own_key(panel: Panel) -> None:
    """It saves no key."""
    pronto.configure(base_url="sandbox")
    panel = Panel()
    assert "Sandbox mode: made-up data, no key needed." in words(panel)
    panel.field.value = KEY
    button(panel, "Test key").click()
    assert "OK: The sandbox is running. Account: Sandbox" in words(panel)
    button(panel, "Save key for this session").click()
    assert "Problem: Sandbox mode" in words(panel)
    assert current().session_keys == {}


def test_a_wrong_or_missing_key_is_reported(serve: Serve) -> None:
    """With what to do next."""
    serve(api_key=KEY)
    pronto.configure(api_key="sk-wrong-9")
    result = actions.check_key()
    assert not result.ok
    assert "rejected the API key (401)" in result.text
    assert "sk-wrong-9" not in result.text
    pronto.configure(api_key=None)
    result = actions.check_key()
    assert not result.ok
    assert result.text.startswith("No API key is set for http://127.0.0.1:")
    assert result.text.endswith("Nothing was charged.")


def test_an_unreachable_server_is_reported() -> None:
    """With what to check."""
    pronto.configure(base_url="http://127.0.0.1:9", api_key=KEY)
    result = actions.check_key()
    assert (result.ok, "Could not connect to 127.0.0.1:9" in result.text) == (False, True)


@pytest.mark.parametrize("balance", [Response(status_code=500), Response("<html>"), None])
def test_a_failed_test_was_not_charged(
    balance: Response | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike other requests whose response is lost."""
    if balance is None:
        monkeypatch.setattr(actions, "TEST_TIMEOUT", 0.0)
    with accounts(JSONResponse({}), balance or JSONResponse({})) as service:
        pronto.configure(base_url=f"http://127.0.0.1:{service.port}", api_key=KEY)
        result = actions.check_key()
    assert not result.ok
    assert "no valid response" in result.text
    assert "may have been charged" not in result.text


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ({"name": " A\n <b>B</b> ", "organization": "x"}, "Account: A &lt;b&gt;B&lt;/b&gt;."),
        ({"name": 7, "organization": {"name": "Made up"}}, "Account: Made up."),
        ({}, "Account: unknown."),
        (403, "Account: unknown."),
        (404, "Account: unknown."),
        (401, "rejected the API key (401)"),
    ],
)
def test_an_account_is_read_leniently(account: Any, says: str) -> None:
    """Its fields are not documented; they are shown as text."""
    answer = Response(status_code=account) if isinstance(account, int) else JSONResponse(account)
    with accounts(answer, JSONResponse(BALANCE)) as service:
        pronto.configure(base_url=f"http://127.0.0.1:{service.port}", api_key=KEY)
        panel = Panel()
        button(panel, "Test key").click()
    assert says in words(panel)


def test_an_unknown_balance_is_reported() -> None:
    """The key still works."""
    with accounts(JSONResponse({}), JSONResponse({"a": 1, "b": 2})) as service:
        pronto.configure(base_url=f"http://127.0.0.1:{service.port}", api_key=KEY)
        assert actions.check_key().text.endswith("Balance: unknown.")


# Keeping it


def test_a_key_is_saved_for_this_session(panel: Panel) -> None:
    """If there is no keyring, which the panel states, its button cannot be clicked."""
    assert "API key for Pronto: not set." in words(panel)
    assert "no secure keyring; to keep the key longer, set" in words(panel)
    assert button(panel, "Save key in keyring").disabled
    panel.field.value = KEY
    button(panel, "Save key for this session").click()
    assert "OK: The key is saved for this session and is now used for Pronto." in words(panel)
    assert "API key for Pronto: set (saved for this session)." in words(panel)
    assert current().key().get_secret_value() == KEY
    button(panel, "Remove key").click()
    assert "OK: Key removed." in words(panel)
    assert current().find_key() is None
    button(panel, "Remove key").click()
    assert "OK: No saved key to remove." in words(panel)


def test_a_key_is_saved_in_the_keyring(fake: FakeKeyring) -> None:
    """Under the name of the service; it replaces the key of the session."""
    panel = Panel()
    assert "or in the system keyring (Fake Keyring) for later sessions" in words(panel)
    set_session_key(SecretStr("sk-earlier"))
    panel.field.value = KEY
    button(panel, "Save key in keyring").click()
    assert "OK: The key is saved in the system keyring and is now used" in words(panel)
    assert fake.held == {("pronto-pandas", "pronto"): KEY}
    assert current().session_keys == {}
    assert "API key for Pronto: set (from the system keyring)." in words(panel)
    button(panel, "Remove key").click()
    assert fake.held == {}


@pytest.mark.parametrize("fails", [raises, hangs])
def test_a_keyring_that_fails_is_reported(
    fake: FakeKeyring, monkeypatch: pytest.MonkeyPatch, fails: Callable[[], None]
) -> None:
    """The typed key can still be saved elsewhere."""
    panel = Panel()
    monkeypatch.setattr(credentials, "KEYRING_TIMEOUT", 0.05)
    fake.fails = fails
    panel.field.value = KEY
    button(panel, "Save key in keyring").click()
    assert "Problem: The system keyring" in words(panel)
    button(panel, "Save key for this session").click()
    assert current().key().get_secret_value() == KEY


def test_a_key_that_cannot_be_deleted_is_reported(
    fake: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is still in the keyring."""
    credentials.store(SecretStr(KEY), "pronto")

    def fails(*_: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setattr(fake, "delete_password", fails)
    result = actions.remove_key()
    assert not result.ok
    assert "still in the keyring" in result.text
    assert KEY not in result.text


def test_a_key_that_cannot_be_read_back_is_reported(
    fake: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keyring reported success."""
    monkeypatch.setattr(fake, "set_password", lambda *_: None)
    result = actions.save_key(SecretStr(KEY), "keyring")
    assert (result.ok, "cannot be read back" in result.text) == (False, True)


def test_a_key_that_takes_precedence_is_reported(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The saved key is not used then; the message names the way out."""
    monkeypatch.setenv("PRONTO_API_KEY", "sk-other")
    panel.field.value = KEY
    button(panel, "Save key for this session").click()
    assert "saved, but the key from PRONTO_API_KEY takes precedence" in words(panel)
    assert "unset the environment variable PRONTO_API_KEY" in words(panel)
    button(panel, "Remove key").click()
    assert "Now using the key from PRONTO_API_KEY." in words(panel)
    pronto.configure(api_key="sk-third")
    assert not actions.save_key(SecretStr(KEY), "session").ok
    assert current().key().get_secret_value() == "sk-third"
    assert actions.save_key(SecretStr("sk-third"), "session").ok


def test_a_key_saved_in_the_panel_replaces_one_set_in_code(panel: Panel) -> None:
    """The message says so; "Remove key" removes either."""
    pronto.configure(api_key="sk-in-code")
    panel.field.value = KEY
    button(panel, "Save key for this session").click()
    assert "It replaces the key that was set with configure()." in words(panel)
    assert current().key().get_secret_value() == KEY
    pronto.configure(api_key="sk-in-code")
    button(panel, "Remove key").click()
    assert "OK: Key removed." in words(panel)
    assert current().find_key() is None


# What leads, and what is folded


def folded(panel: Panel) -> dict[str, Any]:
    """Return the titles of the sections that can be opened, and whether they are."""
    toggles = [p for p in parts(panel.root) if p.get_state()["_model_name"] == "ToggleButtonModel"]
    return {toggle.description: toggle.value for toggle in toggles}


def is_shown(panel: Panel, widget: Any) -> bool:
    """Return whether neither a widget nor anything around it is hidden."""
    around = [part for part in parts(panel.root) if widget in set(parts(part))]
    return all(part.layout.display != "none" for part in around)


def test_the_key_leads_and_the_rest_is_folded(panel: Panel) -> None:
    """A section opens and closes with a click on its title."""
    assert list(folded(panel)) == ["Personal emails", "Ledger", "Request rate", "Privacy"]
    assert not any(folded(panel).values())
    assert is_shown(panel, panel.field)
    assert is_shown(panel, button(panel, "Test key"))
    rate, consent = button(panel, "Apply rate"), button(panel, "Record consent")
    assert not is_shown(panel, rate)
    button(panel, "Request rate").value = True
    assert is_shown(panel, rate)
    assert not is_shown(panel, consent)
    button(panel, "Request rate").value = False
    assert not is_shown(panel, rate)


def test_on_colab_the_warning_about_the_ledger_is_shown(colab: Colab) -> None:
    """The ledger is deleted with the runtime, and its answers were paid for."""
    panel = Panel()
    assert [title for title, is_open in folded(panel).items() if is_open] == ["Ledger"]
    (warning,) = [p for p in parts(panel.root) if "would pay for" in str(getattr(p, "value", ""))]
    assert is_shown(panel, warning)


def test_a_pasted_key_is_kept_until_it_is_saved(serve: Serve, fake: FakeKeyring) -> None:
    """A test does not lose it; the field says that it is there, and the message what to click."""
    serve(api_key=KEY)
    pronto.configure(api_key=None)
    panel = Panel()
    empty = panel.field.placeholder
    panel.field.value = KEY
    assert "received, not saved yet" in panel.field.placeholder
    button(panel, "Test key").click()
    assert "To use it, click “Save key for this session” or “Save key in keyring”." in words(panel)
    assert "received, not saved yet" in panel.field.placeholder
    button(panel, "Save key for this session").click()
    assert current().key().get_secret_value() == KEY
    assert panel.field.placeholder == empty
    button(panel, "Test key").click()
    assert "To use it" not in words(panel)
    for ends in ("Remove key", None):
        panel.field.value = KEY
        if ends:
            button(panel, ends).click()
        else:
            panel.field.value = "two words"
        assert panel.field.placeholder == empty


@pytest.mark.parametrize("key", [None, "sk-wrong-9"])
def test_errors_in_the_panel_name_the_panel(serve: Serve, key: str | None) -> None:
    """Not the ways for those who have no panel."""
    serve(api_key=KEY)
    pronto.configure(api_key=None)
    panel = Panel()
    if key:
        panel.field.value = key
    button(panel, "Test key").click()
    shown = words(panel)
    assert ("enter it here" if key else "Enter a key here.") in shown
    assert "pronto.setup" not in shown
    assert "configure(api_key" not in shown


def test_a_budget_is_set_if_there_is_such_a_setting(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Next to the key; otherwise it is not in the panel."""
    given: list[float | None] = []
    monkeypatch.setattr(actions, "configure", lambda *, rate=None: None)
    without = Panel()
    assert not [p for p in parts(without.root) if "budget" in getattr(p, "description", "")]
    monkeypatch.setattr(actions, "configure", lambda *, budget=None: given.append(budget))
    panel = Panel()
    button(panel, "Set budget").click()
    assert "Problem: Enter the number of credits" in words(panel)
    button(panel, "Credits").value = 5_000
    button(panel, "Set budget").click()
    assert "OK: All runs together may spend 5,000 credits" in words(panel)
    button(panel, "Remove budget").click()
    assert given == [5_000, None]


# Consent, ledger, pace


def test_consent_is_recorded_with_its_purpose_and_date(panel: Panel) -> None:
    """And withdrawn; without a purpose nothing is recorded."""
    assert "No consent recorded. To request personal emails, give consent (1)" in words(panel)
    button(panel, "Record consent").click()
    assert "Problem: Not recorded. Enter what you use personal emails for" in words(panel)
    assert current().personal_email_consent is None
    button(panel, "Purpose").value = "recruiting <engineers>"
    button(panel, "Record consent").click()
    consent = current().personal_email_consent
    assert consent is not None
    assert consent.purpose == "recruiting <engineers>"
    today = date.today().isoformat()
    assert f"Consent recorded for this session on {today}: recruiting &lt;engineers&gt;" in words(
        panel
    )
    assert button(panel, "Purpose").value == ""
    button(panel, "Withdraw consent").click()
    assert current().personal_email_consent is None
    assert "are sent to Pronto and nowhere else" in words(panel)


def test_the_ledger_is_emptied_at_the_second_click(serve: Serve) -> None:
    """The first click only asks; any other click closes the question."""
    serve()
    people(3).pronto.enrich("email", progress=False)
    panel = Panel()
    assert f"Ledger: {ledger_file()}<br>Saved answers: 3" in words(panel)
    for other in ("Cancel", "Apply rate", "Remove key", "Record consent"):
        button(panel, "Delete all answers…").click()
        assert "Delete all saved answers? This cannot be undone" in words(panel)
        assert button(panel, "Cancel").layout.display is None
        button(panel, other).click()
        assert button(panel, "Cancel").layout.display == "none"
        assert "Delete all saved answers?" not in words(panel)
    assert pronto.ledger.info()["entries"].sum() == 3
    button(panel, "Delete all answers…").click()
    button(panel, "Yes, delete all answers").click()
    assert "OK: Answers deleted: 3." in words(panel)
    assert "Saved answers: 0" in words(panel)
    assert pronto.ledger.info().empty
    button(panel, "Delete all answers…").click()
    assert "Delete all saved answers? This cannot be undone" in words(panel)


def test_a_ledger_that_cannot_be_read_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel still opens."""
    monkeypatch.setenv("PRONTO_LEDGER", "/proc/pronto/ledger.sqlite3")
    panel = Panel()
    assert "Cannot write the ledger" in words(panel)
    button(panel, "Delete all answers…").click()
    button(panel, "Yes, delete all answers").click()
    assert "Problem: Cannot write the ledger at /proc" in words(panel)
    pronto.configure(ledger=None)
    assert "in memory only" in actions.ledger_state()


def test_requests_without_an_answer_are_counted_too(serve: Serve) -> None:
    """They may have been charged."""
    serve(faults=1.0, fault_kinds=("500",))
    with pytest.warns(pronto.UnknownRowsWarning):
        people(2).pronto.enrich("email", progress=False)
    assert "Saved answers: 0\nRequests without an answer: 2" in actions.ledger_state()


def test_the_rate_is_set_within_pronto_s_limit(panel: Panel) -> None:
    """1 to 50; opening the panel changes nothing."""
    pronto.configure(rate=5_000)
    panel = Panel()
    assert current().rate == 5_000
    rate = button(panel, "Requests/s")
    assert rate.value == 50
    rate.value = 7
    assert current().rate == 5_000
    button(panel, "Apply rate").click()
    assert current().rate == 7
    assert "Rate limit: 7 requests per second." in words(panel)
    for wrong, says in ((80, "Pronto allows at most 50"), (0, "The rate must be at least 1")):
        rate.value = wrong
        button(panel, "Apply rate").click()
        assert f"Problem: {says} request" in words(panel)
    assert current().rate == 7


def test_everything_is_text_and_no_colour_is_set(panel: Panel) -> None:
    """Results are read out by screen readers, and every field has a name."""
    for label in ("Test key", "Record consent"):
        button(panel, label).click()
    shown = words(panel)
    assert shown.count("Problem: ") == 2
    for part in parts(panel.root):
        state = part.get_state()
        assert not state.get("button_style")
        if state["_model_name"] in {"PasswordModel", "TextModel", "IntTextModel"}:
            assert state["description"]
    assert "color" not in shown


# Google Colab


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let Drive be a folder."""
    (tmp_path / "MyDrive").mkdir()
    monkeypatch.setattr(on_colab, "DRIVE", tmp_path)
    return tmp_path


def test_outside_colab_it_is_not_mentioned(panel: Panel) -> None:
    """No button, no warning."""
    assert "runtime" not in words(panel)
    assert not [p for p in parts(panel.root) if "Drive" in getattr(p, "description", "")]


def test_the_colab_secret_is_saved_with_one_click(colab: Colab) -> None:
    """Threads have it then, too; if it is missing, the message tells how to add it."""
    panel = Panel()
    take = button(panel, "Use Colab secret")
    take.click()
    assert "Problem: No Colab secret named PRONTO_API_KEY is available." in words(panel)
    colab.secrets["PRONTO_API_KEY"] = "two words"
    take.click()
    assert "Problem: The Colab secret PRONTO_API_KEY contains characters" in words(panel)
    colab.secrets["PRONTO_API_KEY"] = KEY
    assert "from the Colab secret" in actions.key_state()
    assert "Colab's Secrets panel" in actions.remove_key().text
    take.click()
    assert "OK: The key is saved for this session" in words(panel)
    colab.secrets.clear()
    assert current().key().get_secret_value() == KEY
    assert KEY not in held(panel)


def test_the_ledger_moves_to_drive_with_its_answers(
    serve: Serve, colab: Colab, drive: Path
) -> None:
    """While in use; nobody is requested again, and only its owner can read it."""
    server = serve()
    people(5).pronto.enrich("email", progress=False)
    panel = Panel()
    assert "its disk and the ledger are deleted" in words(panel)
    button(panel, "Move ledger to Google Drive").click()
    target = drive / "MyDrive" / "pronto-pandas" / "ledger.sqlite3"
    assert f"OK: The ledger is now at {target}" in words(panel)
    assert "kept after this runtime ends" in words(panel)
    assert colab.mounted == [str(drive)]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not list(target.parent.glob("*.part"))
    assert current().ledger_place == str(target)
    people(5).pronto.enrich("email", progress=False)
    assert len(server.sandbox.charges) == 5
    button(panel, "Move ledger to Google Drive").click()
    assert "Saved answers: 5" in words(panel)


def test_a_ledger_on_drive_and_the_current_one_are_merged(
    serve: Serve, colab: Colab, drive: Path
) -> None:
    """The entries of both remain."""
    server = serve(faults=1.0, fault_kinds=("500",))
    target = drive / "MyDrive" / "pronto-pandas" / "ledger.sqlite3"
    with pytest.warns(pronto.UnknownRowsWarning), pronto.configure(ledger=target):
        people(2).pronto.enrich("email", progress=False)
    server.sandbox.faults = 0.0
    with pronto.configure(ledger=target):
        people(3, start=10).pronto.enrich("email", progress=False)
    people(4).pronto.enrich("email", progress=False)
    sent = len(server.sandbox.charges)
    assert on_colab.move_ledger_to_drive().ok
    assert "Saved answers: 7" in actions.ledger_state()
    people(4).pronto.enrich("email", progress=False)
    people(3, start=10).pronto.enrich("email", progress=False)
    assert len(server.sandbox.charges) == sent


def test_if_drive_is_unavailable_nothing_changes(colab: Colab, drive: Path) -> None:
    """No access, no folder, no space or a damaged ledger; a database is not moved."""
    before = current().ledger_place
    colab.mount_error = ValueError(KEY)
    result = on_colab.move_ledger_to_drive()
    assert (result.ok, "not mounted (ValueError)" in result.text) == (False, True)
    colab.mount_error = None
    target = drive / "MyDrive" / "pronto-pandas"
    target.write_text("a file where a folder must be")
    pronto.ledger.info()
    result = on_colab.move_ledger_to_drive()
    assert (result.ok, "The ledger was not moved" in result.text) == (False, True)
    target.unlink()
    target.mkdir()
    (target / "ledger.sqlite3").write_bytes(b"no database" * 500)
    result = on_colab.move_ledger_to_drive()
    assert (result.ok, "is damaged" in result.text) == (False, True)
    (target / "ledger.sqlite3").unlink()
    target.rmdir()
    (drive / "MyDrive").rmdir()
    result = on_colab.move_ledger_to_drive()
    assert (result.ok, "is missing" in result.text) == (False, True)
    assert current().ledger_place == before
    pronto.configure(ledger="postgresql://host/database")
    assert not on_colab.move_ledger_to_drive().ok
    assert "kept after this runtime ends" in on_colab.ledger_warning()


def test_a_ledger_named_by_an_sqlite_url_is_a_file_of_the_runtime(
    serve: Serve, colab: Colab, drive: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is deleted with the runtime, so it must not be called external; it can be moved."""
    server = serve()
    pronto.configure(ledger=f"sqlite:///{tmp_path_factory.mktemp('disk')}/own.sqlite3")
    people(3).pronto.enrich("email", progress=False)
    assert "its disk and the ledger are deleted" in on_colab.ledger_warning()
    assert on_colab.move_ledger_to_drive().ok
    assert "Saved answers: 3" in actions.ledger_state()
    people(3).pronto.enrich("email", progress=False)
    assert len(server.sandbox.charges) == 3
    pronto.configure(ledger=f"sqlite:///{drive}/MyDrive/own.sqlite3")
    assert "kept after this runtime ends" in on_colab.ledger_warning()
    pronto.configure(ledger="sqlite://host/own.sqlite3")
    assert on_colab.ledger_warning() == ""
    assert not on_colab.move_ledger_to_drive().ok


def test_without_a_ledger_drive_gets_a_new_one(colab: Colab, drive: Path) -> None:
    """Before the first request, and with a ledger in memory."""
    assert on_colab.move_ledger_to_drive().ok
    assert "Saved answers: 0" in actions.ledger_state()
    pronto.configure(ledger=None)
    assert on_colab.move_ledger_to_drive().ok


# In a terminal


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sit at a keyboard: what is typed unseen, then the answers to the questions."""

    def sit(key: str, *replies: str) -> None:
        left = iter(replies)

        def answer(question: str) -> str:
            for reply in left:
                return reply
            raise EOFError

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(getpass, "getpass", lambda question: key)
        monkeypatch.setattr("builtins.input", answer)

    return sit


def test_a_terminal_prompts_for_a_hidden_key(
    serve: Serve, says: Callable[..., None], capsys: pytest.CaptureFixture[str], fake: FakeKeyring
) -> None:
    """With the same texts; it is tested, and saved in the chosen place."""
    server = serve(api_key=KEY)
    pronto.configure(api_key=None)
    says(KEY, "y", "y")
    assert pronto.setup() is None  # type: ignore[func-returns-value]  # that is what is tested
    printed = capsys.readouterr().out
    assert "OK: The new key works" in printed
    assert "OK: The key is saved in the system keyring" in printed
    assert "No consent recorded" in printed
    assert "(2) with pronto.configure(personal_email_consent=" in printed
    assert "Ledger: " in printed
    assert "are sent to Pronto and nowhere else" in printed
    assert KEY not in printed
    assert fake.held == {("pronto-pandas", server.url): KEY}


def test_in_a_terminal_no_means_no(
    serve: Serve, says: Callable[..., None], capsys: pytest.CaptureFixture[str], fake: FakeKeyring
) -> None:
    """Not tested, not in the keyring; a wrong key is saved only on request."""
    serve(api_key=KEY)
    pronto.configure(api_key=None)
    says(KEY, "n", "n")
    terminal.prompt()
    assert current().key().get_secret_value() == KEY
    assert fake.held == {}
    says("sk-wrong", "y", "n")
    terminal.prompt()
    assert current().key().get_secret_value() == KEY
    assert "Problem: Pronto rejected" in capsys.readouterr().out
    says("sk-wrong", "y", "y", "n")
    terminal.prompt()
    assert current().key().get_secret_value() == "sk-wrong"


@pytest.mark.parametrize(
    ("typed", "says_so"),
    [
        ("", "API key for Pronto: not set."),
        ("two words", "Problem: The key contains"),
        (KEY, "Setup ended."),
    ],
)
def test_in_a_terminal_nothing_is_saved_by_mistake(
    says: Callable[..., None], capsys: pytest.CaptureFixture[str], typed: str, says_so: str
) -> None:
    """On Enter, on an invalid key, at the end of the input."""
    says(typed)
    terminal.prompt()
    printed = capsys.readouterr().out
    assert says_so in printed
    assert current().find_key() is None
    assert not typed or typed not in printed


def test_without_an_interactive_terminal_nothing_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """A script in a pipeline continues."""
    pronto.setup()
    assert "call pronto.setup() in a notebook" in capsys.readouterr().out
