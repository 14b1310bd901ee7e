"""The documentation's example against a served site."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from waitress.server import create_server

from support.programs import token_of
from support.village import VILLAGE, Village

EXAMPLE = Path(__file__).parents[2] / "examples" / "api_client.py"


def test_fifty_lines_draft_sign_publish_correct_and_follow(village: Village) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    server = create_server(village.app, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        tokens = [token_of(village, login) for login in ("clerk", "approver", "supervisor", "supervisor2")]
        village.published(title="以前公布的")
        village.catch_up()
        argv = [sys.executable, "-I", str(EXAMPLE), f"http://127.0.0.1:{server.effective_port}", VILLAGE, *tokens]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "published GK-2026-0002" in done.stdout
        assert "corrected, edition 2" in done.stdout
        assert "follow" in done.stdout
        assert "以前公布的" in done.stdout
        denied = subprocess.run([*argv[:5], "jct_no", *tokens[1:]], capture_output=True, text=True, timeout=60, check=False)
        assert denied.returncode == 1
        assert "令牌不对" in denied.stderr
    finally:
        server.close()
        thread.join(timeout=10)
        server.task_dispatcher.shutdown()
