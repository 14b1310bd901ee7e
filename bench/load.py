"""A closed-loop client in a process of its own: one connection, one request after the other.

Reads lines ``PORT COUNT PATH PATH ...`` from standard input; answers each with the seconds that
one request took, as the mean of COUNT requests that cycle over the paths.
"""

from __future__ import annotations

import socket
import sys
import time


class Connection:
    """Keeps one connection to a server of ours; every answer must be 200."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, request: bytes) -> None:
        self._socket.sendall(request)
        data = self._socket.recv(65536)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        if b" 200 " not in head[:13]:
            raise SystemExit(f"{request.split()[1].decode()}: {head[:40].decode()}")
        at = head.index(b"content-length:") + 15
        wanted = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
        got = len(data)
        while got < wanted:
            got += len(self._more())

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise SystemExit("the server closed the connection")
        return data


def main() -> None:
    connections: dict[int, Connection] = {}
    for line in sys.stdin:
        port, count, *paths = line.split()
        connection = connections.get(int(port)) or connections.setdefault(int(port), Connection(int(port)))
        requests = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for path in paths]
        total = int(count)
        began = time.perf_counter()
        for number in range(total):
            connection.get(requests[number % len(requests)])
        print((time.perf_counter() - began) / total, flush=True)


if __name__ == "__main__":
    main()
