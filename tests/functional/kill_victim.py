"""Publishes from threads beside a worker until it is killed; see test_kill.

Each record id goes to standard output, one write each, after its publication was acknowledged.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from pathlib import Path

from jiceng_cms.app import open_services
from jiceng_cms.core.actions import Actor
from jiceng_cms.core.drafting import CreateRecord
from jiceng_cms.core.moving import MoveRecord
from jiceng_cms.core.signing import GiveVerdict
from jiceng_cms.ops.worker import Worker
from jiceng_cms.web.services import Services, settings_from

VILLAGES = ("990101100201", "990101100202")
SECTION = "disclosures"


def publish_forever(services: Services, village: str, name: str) -> None:
    def act(person: str, role: str, action: object) -> str:
        return services.actions.perform(action, Actor(person, role, name, fresh=True))  # type: ignore[arg-type]

    for number in itertools.count():
        data = {
            "title": f"第{number}件事的办理结果", "summary": "办好了。", "body": f"{name}办的。",
            "event_date": "2026-08-30", "basis": ["村民委员会组织法"],
        }
        id = act("clerk", "clerk", CreateRecord(village, "disclosure", "affairs", data))
        act("clerk", "clerk", MoveRecord(village, SECTION, id, "submit", 1))
        for person in ("s1", "s2"):
            act(person, "supervisor", GiveVerdict(village, SECTION, id, "supervision", 1, "agree"))
        act("approver", "approver", MoveRecord(village, SECTION, id, "publish", 1))
        os.write(1, f"{village}/{id}\n".encode())


def main() -> None:
    home = Path(sys.argv[1])
    services = open_services(settings_from({}, home, {"JICENG_HOME": str(home)}))
    worker = Worker(services)
    threads = [
        threading.Thread(target=publish_forever, args=(services, village, f"线程{n}"), daemon=True)
        for n, village in enumerate(VILLAGES * 2)
    ]
    worker.start()
    for thread in threads:
        thread.start()
    threads[0].join()


main()
