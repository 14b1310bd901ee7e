"""Unit tests can't reach the network by mistake."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_no_calling_out_and_no_listening(family: socket.AddressFamily) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as tcp:
        with pytest.raises(AssertionError, match="no network"):
            tcp.connect(("localhost", 9))
        with pytest.raises(AssertionError, match="no network"):
            tcp.connect_ex(("localhost", 9))
        with pytest.raises(AssertionError, match="no network"):
            tcp.bind(("localhost", 0))
    with (
        socket.socket(family, socket.SOCK_DGRAM) as udp,
        pytest.raises(AssertionError, match="no network"),
    ):
        udp.sendto(b"x", ("localhost", 9))


def test_not_by_way_of_a_library_either() -> None:
    with pytest.raises(AssertionError, match="no network"):
        socket.create_connection(("127.0.0.1", 9), timeout=1)


def test_a_unix_socket_in_a_folder_of_its_own(tmp_path: Path) -> None:
    address = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(address)
        server.listen(1)
        client.connect(address)
        with server.accept()[0] as accepted:
            client.sendall(b"hello")
            assert accepted.recv(5) == b"hello"


def test_an_event_loop_still_runs() -> None:
    assert asyncio.run(asyncio.sleep(0, "done")) == "done"
