"""The HTTP server: waitress, stricter where two readers of one stream could disagree."""

from __future__ import annotations

import re
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server

_LENGTH = re.compile(rb"^content-length[ \t]*:", re.IGNORECASE | re.MULTILINE)
_ENCODING = re.compile(rb"^transfer-encoding[ \t]*:", re.IGNORECASE | re.MULTILINE)


class StrictParser(HTTPRequestParser):
    """Refuses a request with both lengths: waitress would read the chunks and take what follows
    for the next request, where a proxy that counts bytes saw only one (RFC 9112, 6.1)."""

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head of a request; ParsingError closes the connection with 400."""
        if _LENGTH.search(header_plus) and _ENCODING.search(header_plus):
            raise ParsingError("both Content-Length and Transfer-Encoding")
        super().parse_header(header_plus)


class StrictChannel(HTTPChannel):
    """A connection read by :class:`StrictParser`."""

    parser_class = StrictParser


def make_server(app: Any, **settings: Any) -> Any:
    """A waitress server for ``app``; ``settings`` are waitress's own."""
    sockets: dict[int, Any] = {}
    server = create_server(app, map=sockets, **settings)
    for listening in sockets.values():  # a name may stand for several addresses
        if hasattr(listening, "channel_class"):
            listening.channel_class = StrictChannel
    return server
