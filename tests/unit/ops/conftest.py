"""A small site on disk for tests of what runs it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from jiceng_cms.affairs.domain import make_domain
from jiceng_cms.affairs.units.actions import GrantRole, SaveBody, SavePerson, SaveUnit
from jiceng_cms.app import open_services
from jiceng_cms.core.actions import Actor
from jiceng_cms.core.clock import FixedClock
from jiceng_cms.core.drafting import AttachFile, ClearAttachment, CreateRecord, IncomingFile
from jiceng_cms.core.file_texts import FileText
from jiceng_cms.core.moving import MoveRecord
from jiceng_cms.core.people import Seat
from jiceng_cms.core.signing import GiveVerdict
from jiceng_cms.core.site import site_of
from jiceng_cms.ops.setup import install_site, operator
from jiceng_cms.ops.worker import Worker
from jiceng_cms.store import Store
from jiceng_cms.web.services import Services, Settings, settings_from

VILLAGE = "990101100201"
SECTION = "disclosures"
ROLES = {"clerk": "clerk", "approver": "approver", "s1": "supervisor", "s2": "supervisor", "s3": "supervisor"}

#: What was read out of the file.
READ = FileText("read", 1, b'[{"label": "1", "text": "3000"}]')


def settings_of(home: Path) -> Settings:
    return settings_from({"session.secure": "false"}, home, {"JICENG_HOME": str(home)})


@contextlib.contextmanager
def read_only(settings: Settings) -> Iterator[Store]:
    store = Store.open(settings.database, read_only=True)
    try:
        yield store
    finally:
        store.close()


@dataclass
class Small:
    """A site with one village; ``perform`` acts as one of ROLES."""

    settings: Settings
    clock: FixedClock
    services: Services
    worker: Worker
    files: Path
    ids: dict[str, str] = field(default_factory=dict)

    def perform(self, who: str, action: Any) -> str:
        return self.services.actions.perform(action, Actor(who, ROLES[who], f"test-{who}", fresh=True))

    def record(self, connection: Any, id: str) -> Any:
        return site_of(connection).units[VILLAGE].sections[SECTION].records[id]

    def draft(self, title: str, *, file: bytes = b"", **more: Any) -> str:
        data = {
            "title": title, "summary": "修好了。", "body": "正文一段。", "event_date": "2026-08-30",
            "due_date": "2026-09-10", "due_basis": "每月", "basis": ["村民委员会组织法"], **more,
        }
        id = self.perform("clerk", CreateRecord(VILLAGE, "disclosure", "affairs", data))
        if file:
            digest = hashlib.sha256(file).hexdigest()
            path = self.files / digest
            path.write_bytes(file)
            incoming = IncomingFile(path, "图纸.pdf", "application/pdf", len(file), digest, READ)
            attachment = self.perform("clerk", AttachFile(VILLAGE, SECTION, id, incoming))
            self.perform("s1", ClearAttachment(VILLAGE, SECTION, id, attachment))
        return id

    def move(self, who: str, id: str, name: str, **data: Any) -> None:
        with self.services.store.reading() as connection:
            version = self.record(connection, id).draft.version
        self.perform(who, MoveRecord(VILLAGE, SECTION, id, name, version, data=data))

    def review(self, id: str) -> None:
        self.move("clerk", id, "submit")
        with self.services.store.reading() as connection:
            revision = self.record(connection, id).run.revision
        for who in ("s1", "s2"):
            self.perform(who, GiveVerdict(VILLAGE, SECTION, id, "supervision", revision, "agree"))

    def publish(self, title: str, **more: Any) -> str:
        id = self.draft(title, **more)
        self.review(id)
        self.move("approver", id, "publish")
        return id

    def close(self) -> None:
        self.worker.stop()
        self.services.close()


START = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)


def build(home: Path, origin: str = "demo/test", start: datetime = START) -> Small:
    settings = settings_of(home / "var")
    clock = FixedClock(start)
    install_site(settings, make_domain(clock=clock), title="试", origin=origin)
    services = open_services(settings, clock=clock)
    actions, actor = services.actions, operator()
    actions.perform(SaveUnit(VILLAGE, "village", "石塝村"), actor)
    for person in ROLES:
        actions.perform(SavePerson(f"某{person}", person), actor)
    seats = tuple(Seat(p, "委员", date(2024, 1, 1)) for p in ("s1", "s2", "s3"))
    actions.perform(SaveBody(VILLAGE, "supervision", "村务监督委员会", seats), actor)
    for person, role in ROLES.items():
        actions.perform(GrantRole(VILLAGE, person, role, "任职"), actor)
    files = home / "files"
    files.mkdir()
    return Small(settings, clock, services, Worker(services), files)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    site = build(tmp_path)
    yield site
    site.close()
