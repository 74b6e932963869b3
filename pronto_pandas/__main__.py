"""The command line: ``python -m pronto_pandas sandbox`` and ``webhook``."""

from __future__ import annotations

import argparse
import gc
import math
import threading
from collections.abc import Callable, Sequence

from .api.spec import RATE_LIMIT
from .bulk.webhook import PORT, webhook
from .config.settings import configure, current
from .config.validation import HERE
from .errors import ProntoError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pronto_pandas", description="pronto-pandas")
    commands = parser.add_subparsers(dest="command", required=True)
    sandbox = commands.add_parser(
        "sandbox", help="serve the Pronto API on this machine, with made-up people"
    )
    sandbox.add_argument("--port", type=port, default=8765, help="0 takes a free one")
    sandbox.add_argument("--latency", type=seconds, default=0.5, help="seconds an answer takes")
    sandbox.add_argument(
        "--jitter", type=seconds, default=0.0, help="seconds that the way here differs by"
    )
    sandbox.add_argument(
        "--at-once", type=count, default=0, help="requests worked on at a time; the rest queue"
    )
    sandbox.add_argument(
        "--at-once-for", type=seconds, default=math.inf, help="seconds until the queue ends"
    )
    sandbox.add_argument(
        "--faults",
        type=part,
        default=0.0,
        help="part of the requests that fail: 429, 5xx, HTML, cut or lost answers; 0 to 1",
    )
    sandbox.add_argument(
        "--deliveries-doubled", type=part, default=0.0, help="part of the webhooks sent twice"
    )
    sandbox.add_argument(
        "--deliveries-lost", type=part, default=0.0, help="part of the webhooks never sent"
    )
    sandbox.add_argument(
        "--seed", type=int, default=0, help="draws the faults, and what becomes of webhooks"
    )
    sandbox.add_argument(
        "--rate", type=count, default=RATE_LIMIT, help="requests in a sliding second"
    )
    sandbox.add_argument("--credits", type=count, default=100_000, help="balance at the start")
    sandbox.set_defaults(run=_serve_sandbox)
    hook = commands.add_parser(
        "webhook", help="take the answers of bulk jobs and write them to the ledger"
    )
    hook.add_argument("--port", type=port, default=PORT, help="where it listens on this machine")
    hook.add_argument("--host", default=HERE, help="the address it listens on")
    hook.add_argument("--public-url", help="where a tunnel or a proxy makes it reachable")
    hook.add_argument("--service", help="whose answers: pronto (the default), pipecorn, or a name")
    hook.add_argument("--base-url", help="the address of the service, where it is not built in")
    hook.set_defaults(run=_serve_webhook)
    return parser


def _number(text: str, low: float, high: float) -> float:
    number = float(text)
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"must be from {low:g} to {high:g}")
    return number


def part(text: str) -> float:
    """Read a part of a whole."""
    return _number(text, 0, 1)


def seconds(text: str) -> float:
    """Read a time."""
    return _number(text, 0, 3600)


def port(text: str) -> int:
    """Read the number of a port."""
    return int(_number(text, 0, 65_535))


def count(text: str) -> int:
    """Read a number of things."""
    return int(_number(text, 0, 1e12))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command."""
    args = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = args.run
    try:
        run(args)
    except KeyboardInterrupt:
        print("Ended.")
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
    # With thousands of requests open a full collection takes 0.2 s, and what arrives meanwhile
    # would be counted as arriving at once.
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    try:
        server = Server(sandbox, port=args.port)
    except OSError as error:
        raise SystemExit(
            f"Port {args.port} cannot be used: {error.strerror}. Try --port 0."
        ) from None
    print(f"Sandbox at {server.url}, key {sandbox.api_key}. Everything it answers is made up.")
    print(
        f'In Python: pronto.configure(base_url="{server.url}", api_key="{sandbox.api_key}")\n'
        "Ctrl-C ends it.",
        flush=True,
    )
    server.serve()


def _serve_webhook(args: argparse.Namespace) -> None:
    given = {"service": args.service, "base_url": args.base_url}
    service = {name: value for name, value in given.items() if value is not None}
    with configure(**service), webhook(args.public_url, port=args.port, host=args.host) as hook:
        print(f"Pass this address as webhook_url: {hook.url}")
        print(f"Who knows it can write answers. It takes those of {current().target};")
        print("--service and --base-url choose another service. Ctrl-C ends it.", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
