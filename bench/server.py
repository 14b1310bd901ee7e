"""Serves one application on a free port of 127.0.0.1, by waitress with the usual threads.

``python -m bench.server hello`` or ``python -m bench.server ours HOME PAGES_MB FRAGMENTS_MB``;
prints the port. The site is opened for reading only, so several servers may share it; no worker
runs. It ends when its standard input does.
"""

from __future__ import annotations

import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from bench.anchors.hello import make_hello
from jiceng_cms.app import make_app, open_services
from jiceng_cms.store import Store
from jiceng_cms.web.services import settings_from

THREADS = 8


def make_ours(home: Path, pages: str, fragments: str) -> Any:
    """The whole application over a site that nobody changes."""
    raw = {"session.secure": "false", "cache.pages": pages, "cache.fragments": fragments}
    settings = settings_from(raw, home, {"JICENG_HOME": str(home)})
    services = open_services(settings, store=Store.open(settings.database, read_only=True, pool_size=64))
    with services.store.reading() as connection:
        services.board.step(connection)
    return make_app(services)


def main() -> None:
    warnings.simplefilter("ignore")
    from waitress.server import create_server

    kind, *rest = sys.argv[1:]
    app = make_hello() if kind == "hello" else make_ours(Path(rest[0]), *rest[1:])
    server = create_server(app, host="127.0.0.1", port=0, threads=THREADS, ident=None)
    print(server.effective_port, flush=True)
    threading.Thread(target=server.run, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
