"""Two readers of one stream must not disagree: requests smuggled towards waitress, and lines
smuggled into our log."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from jiceng_cms.ops.commands_site import server_settings
from jiceng_cms.ops.http import make_server
from support.village import Village

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def port(place: Village) -> Iterator[int]:
    """The application behind waitress with the settings of ``jiceng serve``."""
    server = make_server(place.app, host="127.0.0.1", port=0, **server_settings({}))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server.effective_port
    server.close()
    thread.join(timeout=5)


def say(port: int, data: bytes) -> bytes:
    """Everything that the server answers until it closes or falls silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(data)
        connection.settimeout(4)
        heard = b""
        try:
            while chunk := connection.recv(65536):
                heard += chunk
        except TimeoutError:
            pass
    return heard


def answers(heard: bytes) -> list[int]:
    """The statuses of the answers in a stream."""
    return [int(part[:3]) for part in heard.split(b"HTTP/1.1 ")[1:]]


POST = b"POST /login HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"Content-Length: 4\r\n folded: header\r\n",
        b"Content-Length : 5\r\n",
        b"Content-Length: 48\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ],
)
def test_a_length_that_two_readers_could_read_differently_ends_the_connection(port: int, headers: bytes) -> None:
    got = answers(say(port, POST + headers + b"\r\n0\r\n\r\n" + SMUGGLED))
    assert len(got) <= 1, "what follows was taken as a request of its own"
    assert all(status in (400, 501) for status in got)


@pytest.mark.parametrize("size", [b"-1", b"ffffffffffffffffff", b"5;\r", b" 5", b"0x5"])
def test_a_chunk_of_a_strange_size_ends_the_connection(port: int, size: bytes) -> None:
    got = answers(say(port, POST + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello\r\n0\r\n\r\n" + SMUGGLED))
    assert len(got) <= 1
    assert all(400 <= status < 500 for status in got)


def test_no_line_of_the_log_is_a_strangers(place: Village, caplog: pytest.LogCaptureFixture) -> None:
    forged = "x%0d%0a2026-09-01%20INFO%20root%20forged"
    with caplog.at_level(logging.DEBUG):
        anonymous = place.client()
        anonymous.get(f"/u/{forged}", expect_errors=True)
        anonymous.get(f"/search?q={forged}", expect_errors=True)
        form = anonymous.get("/login").form_with("password")
        form["login"], form["password"] = "nobody\r\nINFO root forged", "wrong"
        form.submit(expect_errors=True)
    formatter = logging.Formatter("%(levelname)s %(message)s")
    for record in caplog.records:
        if record.name.startswith("jiceng_cms"):
            assert "\n" not in formatter.format(record)
