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
from pronto_pandas.config import credentials
from pronto_pandas.config.settings import current, keep_for_session
from pronto_pandas.local_server import Serving
from pronto_pandas.panel import actions, terminal
from pronto_pandas.panel import colab as on_colab
from pronto_pandas.panel.widgets import Panel

from .conftest import Serve, people
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


def accounts(account: Response, balance: Response) -> Serving:
    """Return a service that answers the two free calls in a way of its own."""

    async def answer(request: Request) -> Response:
        return account if request.url.path.endswith("account") else balance

    routes = [Route("/account", answer), Route("/credits", answer)]
    return Serving(Starlette(routes=routes), port=0)


BALANCE = {"credits": 7}


# The key, and where it must not be


def test_a_typed_key_is_in_no_widget_and_no_words(
    serve: Serve, fake: FakeKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    """From the moment it is typed, whatever is clicked then."""
    caplog.set_level(logging.DEBUG)
    serve(api_key=KEY)
    pronto.configure(api_key=None)
    panel = Panel()
    for label in (
        "Test", "Keep for this session", "Test", "Keep in the system keyring", "Test", "Forget",
        "Test", "Record consent", "Forget all answers", "Set the pace",
    ):  # fmt: skip
        panel.field.value = KEY
        assert panel.field.get_state()["value"] == ""
        assert KEY not in held(panel)
        button(panel, label).click()
        assert KEY not in held(panel)
    logged = "".join(str(record.__dict__) for record in caplog.records)
    assert KEY not in logged


def test_a_key_that_arrives_with_the_click_is_cleared_before_anything_else(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what comes next fails."""

    def fails(*_: object) -> None:
        assert panel.field.get_state()["value"] == ""
        raise RuntimeError(KEY)

    monkeypatch.setattr(actions, "try_key", fails)
    panel.field.unobserve_all()
    panel.field.value = KEY
    button(panel, "Test").click()
    assert "Problem: This failed (RuntimeError)" in words(panel)
    assert KEY not in held(panel)


@pytest.mark.parametrize("typed", ["two words", "“quoted-secret”", "  "])
def test_what_cannot_be_a_key_is_cleared_too(panel: Panel, typed: str) -> None:
    """And said in words that do not hold it; what was typed before is let go."""
    panel.field.value = KEY
    panel.field.value = typed
    assert panel.field.get_state()["value"] == ""
    assert "Problem: The key" in words(panel)
    assert typed not in words(panel).replace("  ", " ")
    button(panel, "Keep for this session").click()
    assert "Problem: Type or paste a key" in words(panel)


def test_the_field_waits_until_it_is_left() -> None:
    """Or it would be emptied at each letter; and the page is not sent what it sent."""
    field = Panel().field
    assert field.continuous_update is False
    assert field.trait_metadata("value", "echo_update") is False
    assert field.get_state()["_model_name"] == "PasswordModel"


def heard(kernel: Kernel) -> list[dict[str, Any]]:
    """Return what a kernel said to its pages up to the end of the cell sent last."""
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


def test_in_a_kernel_no_message_to_a_page_holds_the_key(serve: Serve, kernel: Kernel) -> None:
    """The panel is displayed; a key typed into it is cleared at once, tested, and kept."""
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
    (test,) = [name for name, s in opened.items() if s.get("description") == "Test"]
    (keep,) = [n for n, s in opened.items() if s.get("description") == "Keep for this session"]

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
    said = json.dumps([m["content"] for m in messages])
    assert "The key that was typed works" in said
    assert "OK: The key is kept for this session and used" in said
    assert KEY not in said
    kernel.send("print(pronto.configure())")
    assert "API key kept for this session" in kernel.printed()


# Testing it


def test_the_test_names_the_account_and_the_balance(serve: Serve) -> None:
    """By two free requests; of the key in use, or of the one that was typed."""
    server = serve(api_key=KEY)
    panel = Panel()
    button(panel, "Test").click()
    account = "Account: Sandbox, sandbox@pronto.example, Made up. Balance: 100,000 credits."
    assert f"OK: The key in use works. {account}" in words(panel)
    pronto.configure(api_key="sk-wrong")
    panel.field.value = KEY
    button(panel, "Test").click()
    assert "OK: The key that was typed works; it is not kept yet" in words(panel)
    assert server.sandbox.charges == []
    assert current().key().get_secret_value() == "sk-wrong"


def test_the_sandbox_in_the_process_is_tested_with_its_own_key(panel: Panel) -> None:
    """And keeps none."""
    pronto.configure(base_url="sandbox")
    panel = Panel()
    assert "takes no key: everything it answers is made up" in words(panel)
    panel.field.value = KEY
    button(panel, "Test").click()
    assert "OK: The sandbox answers. Account: Sandbox" in words(panel)
    button(panel, "Keep for this session").click()
    assert "Problem: The address is the sandbox" in words(panel)
    assert current().session_keys == {}


def test_a_wrong_or_missing_key_is_said(serve: Serve) -> None:
    """With what to do next."""
    serve(api_key=KEY)
    pronto.configure(api_key="sk-wrong-9")
    said = actions.try_key()
    assert not said.good
    assert "did not accept the API key (401)" in said.text
    assert "sk-wrong-9" not in said.text
    pronto.configure(api_key=None)
    said = actions.try_key()
    assert not said.good
    assert said.text.startswith("No API key is set.")
    assert said.text.endswith("Nothing was charged.")


def test_a_service_that_is_not_there_is_said() -> None:
    """With what to look at."""
    pronto.configure(base_url="http://127.0.0.1:9", api_key=KEY)
    said = actions.try_key()
    assert (said.good, "No connection to 127.0.0.1:9" in said.text) == (False, True)


@pytest.mark.parametrize("balance", [Response(status_code=500), Response("<html>"), None])
def test_a_test_without_an_answer_says_that_it_is_free(
    balance: Response | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike other requests whose answer is lost."""
    if balance is None:
        monkeypatch.setattr(actions, "TEST_TIMEOUT", 0.0)
    with accounts(JSONResponse({}), balance or JSONResponse({})) as service:
        pronto.configure(base_url=f"http://127.0.0.1:{service.port}", api_key=KEY)
        said = actions.try_key()
    assert not said.good
    assert "no usable answer" in said.text
    assert "may have been charged" not in said.text


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ({"name": " A\n <b>B</b> ", "organization": "x"}, "Account: A &lt;b&gt;B&lt;/b&gt;."),
        ({"name": 7, "organization": {"name": "Made up"}}, "Account: Made up."),
        ({}, "Account: the service does not say whose it is."),
        (403, "Account: the service does not say whose it is."),
        (404, "Account: the service does not say whose it is."),
        (401, "did not accept the API key (401)"),
    ],
)
def test_an_account_is_read_leniently(account: Any, says: str) -> None:
    """Its fields are not documented; whatever stands there is text."""
    answer = Response(status_code=account) if isinstance(account, int) else JSONResponse(account)
    with accounts(answer, JSONResponse(BALANCE)) as service:
        pronto.configure(base_url=f"http://127.0.0.1:{service.port}", api_key=KEY)
        panel = Panel()
        button(panel, "Test").click()
    assert says in words(panel)


def test_a_balance_that_is_not_understood_is_said() -> None:
    """The key works all the same."""
    with accounts(JSONResponse({}), JSONResponse({"a": 1, "b": 2})) as service:
        pronto.configure(base_url=f"http://127.0.0.1:{service.port}", api_key=KEY)
        assert actions.try_key().text.endswith("Balance: not understood.")


# Keeping it


def test_a_key_is_kept_for_this_session(panel: Panel) -> None:
    """Where there is no keyring, which is said, and its button cannot be clicked."""
    assert "No API key is set for Pronto." in words(panel)
    assert "no system keyring that can be used" in words(panel)
    assert button(panel, "Keep in the system keyring").disabled
    panel.field.value = KEY
    button(panel, "Keep for this session").click()
    assert "OK: The key is kept for this session and used from now on, for Pronto." in words(panel)
    assert "The API key in use is kept for this session" in words(panel)
    assert current().key().get_secret_value() == KEY
    button(panel, "Forget").click()
    assert "OK: The key that was kept is forgotten." in words(panel)
    assert current().find_key() is None
    button(panel, "Forget").click()
    assert "OK: There was no key kept here." in words(panel)


def test_a_key_is_kept_in_the_keyring(fake: FakeKeyring) -> None:
    """Under the address; the one of the session makes room for it."""
    panel = Panel()
    assert "or in the system keyring (Fake Keyring), for later sessions too" in words(panel)
    keep_for_session(SecretStr("sk-earlier"))
    panel.field.value = KEY
    button(panel, "Keep in the system keyring").click()
    assert "OK: The key is kept in the system keyring and used" in words(panel)
    assert fake.held == {("pronto-pandas", "pronto"): KEY}
    assert current().session_keys == {}
    assert "in use is the one from the system keyring" in words(panel)
    button(panel, "Forget").click()
    assert fake.held == {}


@pytest.mark.parametrize("fails", [raises, hangs])
def test_a_keyring_that_fails_is_said(
    fake: FakeKeyring, monkeypatch: pytest.MonkeyPatch, fails: Callable[[], None]
) -> None:
    """What was typed is there still, to be kept elsewhere."""
    panel = Panel()
    monkeypatch.setattr(credentials, "PATIENCE", 0.05)
    fake.fails = fails
    panel.field.value = KEY
    button(panel, "Keep in the system keyring").click()
    assert "Problem: The system keyring" in words(panel)
    button(panel, "Keep for this session").click()
    assert current().key().get_secret_value() == KEY


def test_a_keyring_that_does_not_let_go_is_said(
    fake: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is there still."""
    credentials.store(SecretStr(KEY), "pronto")

    def fails(*_: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setattr(fake, "delete_password", fails)
    said = actions.forget()
    assert (said.good, "still in it" in said.text, KEY in said.text) == (False, True, False)


def test_a_keyring_that_loses_the_key_is_said(
    fake: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took it, and does not give it back."""
    monkeypatch.setattr(fake, "set_password", lambda *_: None)
    said = actions.keep(SecretStr(KEY), "keyring")
    assert (said.good, "does not give it back" in said.text) == (False, True)


def test_a_key_that_goes_first_is_said(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is not what is used then; the way out is named."""
    monkeypatch.setenv("PRONTO_API_KEY", "sk-other")
    panel.field.value = KEY
    button(panel, "Keep for this session").click()
    assert "Problem: The key is kept for this session, but another one is used" in words(panel)
    assert "Take PRONTO_API_KEY out of the environment" in words(panel)
    button(panel, "Forget").click()
    assert "The key from PRONTO_API_KEY is used now." in words(panel)
    pronto.configure(api_key="sk-third")
    assert "pronto.configure(api_key=None)" in actions.keep(SecretStr(KEY), "session").text
    assert actions.keep(SecretStr("sk-third"), "session").good


# Consent, ledger, pace


def test_consent_is_recorded_with_its_purpose_and_date(panel: Panel) -> None:
    """And taken back; without words nothing is recorded."""
    assert "No consent is recorded. Personal emails need it twice: 1." in words(panel)
    button(panel, "Record consent").click()
    assert "Problem: Nothing is recorded: say in words" in words(panel)
    assert current().personal_email_consent is None
    button(panel, "Purpose").value = "recruiting <engineers>"
    button(panel, "Record consent").click()
    consent = current().personal_email_consent
    assert consent is not None
    assert consent.purpose == "recruiting <engineers>"
    today = date.today().isoformat()
    assert f"emails of {today}: recruiting &lt;engineers&gt;" in words(panel)
    assert button(panel, "Purpose").value == ""
    button(panel, "Take it back").click()
    assert current().personal_email_consent is None
    assert "go to Pronto and nowhere else" in words(panel)


def test_the_ledger_is_shown_and_emptied_at_the_second_click(serve: Serve) -> None:
    """The first one only asks; any other click takes the question back."""
    serve()
    people(3).pronto.enrich("email", progress=False)
    panel = Panel()
    assert f"The ledger is at {ledger_file()}. It holds 3 answers." in words(panel)
    for other in ("No, keep them", "Set the pace", "Forget", "Record consent"):
        button(panel, "Forget all answers").click()
        assert "Nothing is deleted yet." in words(panel)
        assert not button(panel, "No, keep them").disabled
        button(panel, other).click()
        assert button(panel, "No, keep them").disabled
    assert pronto.ledger.info()["entries"].sum() == 3
    button(panel, "Forget all answers").click()
    button(panel, "Yes, delete all answers").click()
    assert "OK: 3 entries are deleted." in words(panel)
    assert "It holds 0 answers." in words(panel)
    assert pronto.ledger.info().empty
    button(panel, "Forget all answers").click()
    assert "Nothing is deleted yet." in words(panel)


def test_a_ledger_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel is there all the same; memory has no place."""
    monkeypatch.setenv("PRONTO_LEDGER", "/proc/pronto/ledger.sqlite3")
    panel = Panel()
    assert "Cannot write the ledger" in words(panel)
    button(panel, "Forget all answers").click()
    button(panel, "Yes, delete all answers").click()
    assert "Problem: Cannot write the ledger at /proc" in words(panel)
    pronto.configure(ledger=None)
    assert "in the memory of this process" in actions.ledger_state()


def test_what_has_no_answer_is_counted_beside(serve: Serve) -> None:
    """It may have been charged, too."""
    serve(faults=1.0, fault_kinds=("500",))
    with pytest.warns(pronto.UnknownRowsWarning):
        people(2).pronto.enrich("email", progress=False)
    assert "0 answers, and 2 requests without an answer" in actions.ledger_state()


def test_the_pace_is_set_within_what_the_service_allows(panel: Panel) -> None:
    """1 to 50; looking at the panel changes nothing."""
    pronto.configure(rate=5_000)
    panel = Panel()
    assert current().rate == 5_000
    rate = button(panel, "Requests/s")
    assert (rate.value, rate.min, rate.max) == (50, 1, 50)
    rate.value = 7
    assert current().rate == 5_000
    button(panel, "Set the pace").click()
    assert current().rate == 7
    assert "At most 7 requests start in any second." in words(panel)
    for wrong in (0, 51):
        assert not actions.set_pace(wrong).good
    assert current().rate == 7


def test_all_is_in_words_and_in_the_pages_own_colours(panel: Panel) -> None:
    """What becomes of a click is read out; every field has a name; no colour is set."""
    for label in ("Test", "Record consent"):
        button(panel, label).click()
    shown = words(panel)
    assert shown.count('<div role="status">Problem: ') == 2
    for part in parts(panel.root):
        state = part.get_state()
        assert not state.get("button_style")
        if state["_model_name"] in {"PasswordModel", "TextModel", "BoundedIntTextModel"}:
            assert state["description"]
    assert "color" not in shown


# Google Colab


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let Drive be a folder."""
    (tmp_path / "MyDrive").mkdir()
    monkeypatch.setattr(on_colab, "DRIVE", tmp_path)
    return tmp_path


def test_elsewhere_nothing_is_said_of_colab(panel: Panel) -> None:
    """No button, no warning."""
    assert "runtime" not in words(panel)
    assert not [p for p in parts(panel.root) if "Drive" in getattr(p, "description", "")]


def test_colabs_secret_is_taken_with_one_click(colab: Colab) -> None:
    """Threads have it then, too; where it is missing, the way to add it is said."""
    panel = Panel()
    take = button(panel, "Take it from Colab's secrets")
    take.click()
    assert "Problem: Colab gives no secret PRONTO_API_KEY to this notebook" in words(panel)
    colab.secrets["PRONTO_API_KEY"] = "two words"
    take.click()
    assert "Problem: Colab&#x27;s secret PRONTO_API_KEY holds characters" in words(panel)
    colab.secrets["PRONTO_API_KEY"] = KEY
    assert "from Colab's secrets" in actions.key_state()
    assert "Colab's panel of secrets" in actions.forget().text
    take.click()
    assert "OK: The key is kept for this session" in words(panel)
    colab.secrets.clear()
    assert current().key().get_secret_value() == KEY
    assert KEY not in held(panel)


def test_the_ledger_goes_to_drive_with_its_answers(serve: Serve, colab: Colab, drive: Path) -> None:
    """While it is in use; nobody is asked for again, and others cannot read it."""
    server = serve()
    people(5).pronto.enrich("email", progress=False)
    panel = Panel()
    assert "This runtime&#x27;s disk is deleted" in words(panel)
    button(panel, "Keep it on Drive").click()
    target = drive / "MyDrive" / "pronto-pandas" / "ledger.sqlite3"
    assert f"OK: The ledger is at {target} from now on" in words(panel)
    assert "outlives this runtime" in words(panel)
    assert colab.mounted == [str(drive)]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not list(target.parent.glob("*.part"))
    assert current().ledger_place == str(target)
    people(5).pronto.enrich("email", progress=False)
    assert len(server.sandbox.charges) == 5
    button(panel, "Keep it on Drive").click()
    assert "It holds 5 answers." in words(panel)


def test_two_ledgers_become_one(serve: Serve, colab: Colab, drive: Path) -> None:
    """What an earlier session left on Drive, and what this one has been told since."""
    server = serve(faults=1.0, fault_kinds=("500",))
    target = drive / "MyDrive" / "pronto-pandas" / "ledger.sqlite3"
    with pytest.warns(pronto.UnknownRowsWarning), pronto.configure(ledger=target):
        people(2).pronto.enrich("email", progress=False)
    server.sandbox.faults = 0.0
    with pronto.configure(ledger=target):
        people(3, start=10).pronto.enrich("email", progress=False)
    people(4).pronto.enrich("email", progress=False)
    sent = len(server.sandbox.charges)
    assert on_colab.ledger_to_drive().good
    assert "It holds 7 answers." in actions.ledger_state()
    people(4).pronto.enrich("email", progress=False)
    people(3, start=10).pronto.enrich("email", progress=False)
    assert len(server.sandbox.charges) == sent


def test_drive_that_cannot_be_had_changes_nothing(colab: Colab, drive: Path) -> None:
    """No access, no folder, no room, no ledger there; a database stays where it is."""
    before = current().ledger_place
    colab.mount_error = ValueError(KEY)
    said = on_colab.ledger_to_drive()
    assert (said.good, "not mounted (ValueError)" in said.text) == (False, True)
    colab.mount_error = None
    target = drive / "MyDrive" / "pronto-pandas"
    target.write_text("a file where a folder must be")
    pronto.ledger.info()
    said = on_colab.ledger_to_drive()
    assert (said.good, "The ledger stays where it was" in said.text) == (False, True)
    target.unlink()
    target.mkdir()
    (target / "ledger.sqlite3").write_bytes(b"no database" * 500)
    said = on_colab.ledger_to_drive()
    assert (said.good, "is damaged" in said.text) == (False, True)
    (target / "ledger.sqlite3").unlink()
    target.rmdir()
    (drive / "MyDrive").rmdir()
    said = on_colab.ledger_to_drive()
    assert (said.good, "is missing" in said.text) == (False, True)
    assert current().ledger_place == before
    pronto.configure(ledger="postgresql://host/database")
    assert not on_colab.ledger_to_drive().good
    assert "outlives this runtime" in on_colab.warning()


def test_without_a_ledger_drive_gets_a_new_one(colab: Colab, drive: Path) -> None:
    """Where nothing was asked yet, and where all was in memory."""
    assert on_colab.ledger_to_drive().good
    assert "It holds 0 answers." in actions.ledger_state()
    pronto.configure(ledger=None)
    assert on_colab.ledger_to_drive().good


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


def test_in_a_terminal_the_key_is_asked_for_unseen(
    serve: Serve, says: Callable[..., None], capsys: pytest.CaptureFixture[str], fake: FakeKeyring
) -> None:
    """The same words; tested and kept where the person says."""
    server = serve(api_key=KEY)
    pronto.configure(api_key=None)
    says(KEY, "y", "y")
    assert pronto.setup() is None  # type: ignore[func-returns-value]  # that is what is tested
    said = capsys.readouterr().out
    assert "OK: The key that was typed works" in said
    assert "OK: The key is kept in the system keyring" in said
    assert "No consent is recorded" in said
    assert "The ledger is at" in said
    assert "go to Pronto and nowhere else" in said
    assert KEY not in said
    assert fake.held == {("pronto-pandas", server.url): KEY}


def test_in_a_terminal_no_means_no(
    serve: Serve, says: Callable[..., None], capsys: pytest.CaptureFixture[str], fake: FakeKeyring
) -> None:
    """Not tested, not in the keyring; a wrong key is kept only where that is wished."""
    serve(api_key=KEY)
    pronto.configure(api_key=None)
    says(KEY, "n", "n")
    terminal.ask()
    assert current().key().get_secret_value() == KEY
    assert fake.held == {}
    says("sk-wrong", "y", "n")
    terminal.ask()
    assert current().key().get_secret_value() == KEY
    assert "Problem: Pronto did not accept" in capsys.readouterr().out
    says("sk-wrong", "y", "y", "n")
    terminal.ask()
    assert current().key().get_secret_value() == "sk-wrong"


@pytest.mark.parametrize(
    ("typed", "says_so"),
    [
        ("", "No API key is set for Pronto."),
        ("two words", "Problem: The key holds"),
        (KEY, "Nothing more"),
    ],
)
def test_in_a_terminal_nothing_is_kept_by_mistake(
    says: Callable[..., None], capsys: pytest.CaptureFixture[str], typed: str, says_so: str
) -> None:
    """By Enter, by what cannot be a key, by the end of the input."""
    says(typed)
    terminal.ask()
    said = capsys.readouterr().out
    assert says_so in said
    assert current().find_key() is None
    assert not typed or typed not in said


def test_where_nobody_can_be_asked_nothing_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """A script in a pipeline goes on."""
    pronto.setup()
    assert "Nobody can be asked here" in capsys.readouterr().out
