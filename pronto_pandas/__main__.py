"""The command line: ``python -m pronto_pandas sandbox`` and ``python -m pronto_pandas webhook``."""

from __future__ import annotations

import argparse
import gc
import math
import threading
from collections.abc import Callable, Sequence

from . import __version__
from .api.spec import RATE_LIMIT
from .bulk.webhook import PORT, webhook
from .config.settings import configure, current
from .config.validation import HERE
from .errors import ProntoError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pronto_pandas",
        description="Tools for pronto-pandas: a local test server and a webhook receiver.",
    )
    parser.add_argument("--version", action="version", version=f"pronto-pandas {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_sandbox(commands.add_parser)
    _add_webhook(commands.add_parser)
    return parser


def _add_sandbox(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    summary = "run a local test server with made-up people"
    parser = add_parser("sandbox", help=summary, description=f"{summary.capitalize()}.")

    def add(name: str, type_: Callable[[str], object], default: object, text: str) -> None:
        shown = "" if default == math.inf else " (default: %(default)s)"
        metavar = type_.__name__.upper()
        parser.add_argument(
            name, type=type_, default=default, metavar=metavar, help=f"{text}{shown}"
        )

    add("--port", port, 8765, "port to listen on; 0 picks a free one")
    add("--latency", seconds, 0.5, "seconds until a response or a webhook delivery")
    add("--jitter", seconds, 0.0, "random network delay, up to this many seconds")
    add("--at-once", number, 0, "maximum concurrent requests; others queue; 0 means no limit")
    add(
        "--at-once-for",
        seconds,
        math.inf,
        "lift the --at-once limit this many seconds after the first request (default: never)",
    )
    add(
        "--faults",
        fraction,
        0.0,
        "fraction of requests that fail, 0 to 1: HTTP 429 and 5xx, HTML pages, truncated and lost "
        "responses",
    )
    add("--deliveries-doubled", fraction, 0.0, "fraction of webhook deliveries sent twice, 0 to 1")
    add("--deliveries-lost", fraction, 0.0, "fraction of webhook deliveries never sent, 0 to 1")
    add("--seed", int, 0, "random seed for failures and webhook deliveries")
    add("--rate", number, RATE_LIMIT, "rate limit, in requests per second")
    add("--credits", number, 100_000, "starting balance in credits")
    parser.set_defaults(run=_serve_sandbox)


def _add_webhook(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    summary = "receive the answers of bulk jobs and save them in the ledger"
    parser = add_parser("webhook", help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument(
        "--port",
        type=port,
        default=PORT,
        metavar="PORT",
        help="port to listen on; 0 picks a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--host",
        default=HERE,
        help="network interface to listen on (default: %(default)s)",
    )
    parser.add_argument(
        "--public-url", metavar="URL", help="public HTTPS URL of your tunnel or proxy"
    )
    parser.add_argument(
        "--service",
        metavar="NAME",
        help="service whose answers to accept: pronto, pipecorn or a name that you chose "
        "(default: PRONTO_SERVICE, otherwise pronto)",
    )
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="base URL of the API whose answers to accept (default: PRONTO_BASE_URL, otherwise "
        "the URL of the service)",
    )
    parser.set_defaults(run=_serve_webhook)


def _in_range(text: str, low: float, high: float) -> float:
    value = float(text)
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"must be from {low:g} to {high:g}")
    return value


def fraction(text: str) -> float:
    """Read a number from 0 to 1."""
    return _in_range(text, 0, 1)


def seconds(text: str) -> float:
    """Read a duration."""
    return _in_range(text, 0, 3600)


def port(text: str) -> int:
    """Read a port number."""
    return int(_in_range(text, 0, 65_535))


def number(text: str) -> int:
    """Read a whole number."""
    return int(_in_range(text, 0, 1e12))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command."""
    args = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = args.run
    try:
        run(args)
    except KeyboardInterrupt:
        print("Stopped.")
    except ProntoError as error:
        raise SystemExit(str(error)) from None


def _serve_sandbox(args: argparse.Namespace) -> None:
    from .sandbox import Sandbox, Server

    sandbox = Sandbox(
        latency=args.latency,
        jitter=args.jitter,
        at_once=args.at_once,
        at_once_for=args.at_once_for,
        faults=args.faults,
        deliveries_doubled=args.deliveries_doubled,
        deliveries_lost=args.deliveries_lost,
        seed=args.seed,
        rate=args.rate,
        credits=args.credits,
    )
    # With thousands of open requests a full garbage collection takes 0.2 s, and requests that
    # arrive during it would be logged as arriving together.
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    try:
        server = Server(sandbox, port=args.port)
    except OSError as error:
        raise SystemExit(f"Cannot use port {args.port} ({error.strerror}). Try --port 0.") from None
    print(f"Sandbox running at {server.url} (API key: {sandbox.api_key}). All data is made up.")
    print(f'In Python: pronto.configure(base_url="{server.url}", api_key="{sandbox.api_key}")')
    print("Press Ctrl+C to stop.", flush=True)
    server.serve()


def _serve_webhook(args: argparse.Namespace) -> None:
    given = {"service": args.service, "base_url": args.base_url}
    service = {name: value for name, value in given.items() if value is not None}
    with configure(**service), webhook(args.public_url, port=args.port, host=args.host) as hook:
        print(f"Pass this URL as webhook_url: {hook.url}")
        print("Keep this URL secret: anyone who has it can submit answers.")
        print(
            f"Accepting answers from {current().target} "
            "(use --service or --base-url to change this)."
        )
        print("Press Ctrl+C to stop.", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
