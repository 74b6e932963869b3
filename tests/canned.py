"""A server that answers byte by byte as a test wants it, and a client that asks it."""

from __future__ import annotations

import asyncio
import json
import socket
import socketserver
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from .seams.api import Answer, Client, Contact, find

CONTACT = Contact("Mathilde", "Brun", "Acme", "acme.example", "https://www.linkedin.com/in/m/")
FOUND = {
    "enrichment_id": "123e4567-e89b-12d3-a456-426614174000",
    "first_name": "Mathilde",
    "last_name": "Brun",
    "status": "success",
    "email": "m.brun@acme.example",
    "email_status": "valid",
    "phones": [{"number": "+33639980001", "type": "mobile"}],
    "phone_status": "valid",
    "custom": {"crm_id": "1"},
}

Respond = Callable[[socket.socket, bytes], None]


class Canned:
    """A server that says exactly what a test tells it to, byte by byte."""

    def __init__(self) -> None:
        canned = self
        self.connections = 0
        self.requests: list[bytes] = []
        self.respond: Respond = lambda connection, request: None
        self.keeps_open = False

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                canned.connections += 1
                while request := _read(self.request):
                    canned.requests.append(request)
                    canned.respond(self.request, request)
                    if not canned.keeps_open:
                        break

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def says(
        self,
        body: bytes | dict[str, Any],
        status: int = 200,
        *,
        keep_open: bool = False,
        **headers: str,
    ) -> None:
        self.keeps_open = keep_open
        headers |= {} if keep_open else {"Connection": "close"}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", *lines])
        self.respond = lambda connection, _: connection.sendall(
            head.encode() + b"\r\n\r\n" + content
        )


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part or part.startswith(b"\x16\x03"):  # closed, or TLS
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def ask(url: str, *, timeout: float = 5.0, **more: Any) -> Answer:
    """Ask about one contact."""

    async def main() -> Answer:
        async with Client(SecretStr("k3y"), service=find(url, None), timeout=timeout) as client:
            return await client.sync_single_enrich(CONTACT, ("email", "phone"), **more)

    return asyncio.run(main())
