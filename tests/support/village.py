"""Factories: a site in a temporary folder, a village with its people, records in any state."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import argon2

from jiceng_cms.access.accounts import CreateAccount
from jiceng_cms.access.passwords import Passwords
from jiceng_cms.access.secret import new_secret
from jiceng_cms.affairs.units.actions import GrantRole, SaveBody, SavePerson, SaveUnit
from jiceng_cms.app import make_app, open_services
from jiceng_cms.core.actions import Actor
from jiceng_cms.core.clock import FixedClock
from jiceng_cms.core.drafting import CreateRecord, SaveDraft
from jiceng_cms.core.installing import install
from jiceng_cms.core.moving import MoveRecord
from jiceng_cms.core.people import Seat
from jiceng_cms.core.records import Record
from jiceng_cms.core.signing import GiveVerdict
from jiceng_cms.core.site import site_of
from jiceng_cms.core.units import About, ParentSpan
from jiceng_cms.ops.worker import Worker
from jiceng_cms.store import Store
from jiceng_cms.store.evolution import STEPS
from jiceng_cms.translog.log import create_log
from jiceng_cms.web.services import Services, settings_from

PASSWORD = "石桥村的老槐树三百年了"
VILLAGE = "990101100201"
OTHER_VILLAGE = "990101100202"
COMMUNITY = "990101001001"
TOWNSHIP = "990101100000"
SECTION = "disclosures"
OPERATOR = Actor("operator", "operator", "test")

#: A weekday well inside the calendar.
START = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)

#: Hashing for tests: the same algorithm, cheap.
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

#: login -> role at both the first village and the first community
STAFF: dict[str, str] = {
    "clerk": "clerk",
    "clerk2": "clerk",
    "approver": "approver",
    "party": "approver_party",
    "party2": "confidentiality",
    "supervisor": "supervisor",
    "supervisor2": "supervisor",
    "supervisor3": "supervisor",
}

DISCLOSURE: Mapping[str, Any] = {
    "title": "二组水渠维修",
    "summary": "修了二组的水渠。\n一共花了三千元。",
    "event_date": "2026-08-28",
    "due_date": "2026-09-10",
    "due_basis": "完工后十天内公布",
    "body": "水渠修好了，可以放水。",
    "basis": ["《中华人民共和国村民委员会组织法》第三十五条"],
}


@dataclass
class Village:
    """A running site with a village, a second one, a community and their township."""

    services: Services
    clock: FixedClock
    people: dict[str, str] = field(default_factory=dict)
    worker: Worker | None = None
    app: Any = None

    def as_(self, login: str, *, fresh: bool = True, role: str = "") -> Actor:
        """The actor behind a login."""
        return Actor(self.people[login], role or STAFF.get(login, login), "test", fresh)

    def do(self, action: Any, login: str, **more: Any) -> str:
        """Perform an action as somebody."""
        return self.services.actions.perform(action, self.as_(login, **more))

    @contextlib.contextmanager
    def reading(self) -> Iterator[Any]:
        """The site, in a snapshot."""
        with self.services.store.reading() as connection:
            yield site_of(connection)

    def draft(self, login: str = "clerk", unit: str = VILLAGE, kind: str = "affairs", **changes: Any) -> str:
        """A draft by a clerk; gives its id."""
        return self.do(CreateRecord(unit, "disclosure", kind, {**DISCLOSURE, **changes}), login)

    def version(self, id: str, unit: str = VILLAGE) -> int:
        """The draft's present version."""
        with self.reading() as site:
            return int(site.units[unit].sections[SECTION].records[id].draft.version)

    def edit(self, id: str, login: str = "clerk", unit: str = VILLAGE, **changes: Any) -> None:
        """Change fields of a draft."""
        with self.reading() as site:
            record: Record = site.units[unit].sections[SECTION].records[id]
            data, version = {**record.draft.data, **changes}, record.draft.version
        self.do(SaveDraft(unit, SECTION, id, version, data), login)

    def move(self, id: str, transition: str, login: str, unit: str = VILLAGE, comment: str = "", **data: Any) -> None:
        """Do a transition."""
        self.do(MoveRecord(unit, SECTION, id, transition, self.version(id, unit), comment, data), login)

    def sign(self, id: str, login: str, verdict: str = "agree", reason: str = "", unit: str = VILLAGE) -> None:
        """Give a verdict on the present revision."""
        with self.reading() as site:
            revision = site.units[unit].sections[SECTION].records[id].run.revision
        self.do(GiveVerdict(unit, SECTION, id, "supervision", revision, verdict, reason), login)

    def published(self, unit: str = VILLAGE, **changes: Any) -> str:
        """A record that went all the way."""
        id = self.draft(unit=unit, **changes)
        self.move(id, "submit", "clerk", unit)
        self.sign(id, "supervisor", unit=unit)
        self.sign(id, "supervisor2", unit=unit)
        self.move(id, "publish", "approver", unit)
        return id

    def catch_up(self) -> None:
        """Let log, search and board follow everything that was committed."""
        assert self.worker is not None
        self.worker.step_all()

    def close(self) -> None:
        """Close everything."""
        assert self.worker is not None
        self.worker.stop()
        self.services.close()

    def client(self, login: str = "") -> Any:
        """A browser without script; signed in where a login is given."""
        from .browser import Browser

        browser = Browser(self.app)
        if login:
            browser.sign_in(login)
        return browser


def url(id: str, *tail: str, unit: str = VILLAGE) -> str:
    """The address of a record."""
    return "/".join(("", "u", unit, SECTION, id, *tail))


def open_village(home: Path, *, clock: FixedClock | None = None, **settings: str) -> Village:
    """Make a site in ``home`` with its units, people, roles and accounts, and open it."""
    clock = clock or FixedClock(START)
    (home / "keys").mkdir(parents=True, exist_ok=True)
    raw = {"jiceng.home": str(home), "jiceng.title": "青禾区基层公开", "session.secure": "false", "access.secure": "false", "access.two_factor.roles": "none", **settings}
    configured = settings_from(raw, home, {})
    configured.secret_file.write_text(new_secret())
    store = Store.open(configured.database)

    def make(connection: Any, journal: Any) -> None:
        install(connection, journal, title="青禾区基层公开", origin="demo/test", clock=clock, evolution=tuple(s.name for s in STEPS))
        create_log(connection.root())

    store.runner.run("site", make)
    store.close()
    village = open_again(home, clock=clock, **settings)
    _populate(village)
    return village


def open_again(home: Path, *, clock: FixedClock | None = None, **settings: str) -> Village:
    """Open a site that :func:`open_village` made."""
    clock = clock or FixedClock(START)
    raw = {"jiceng.home": str(home), "jiceng.title": "青禾区基层公开", "session.secure": "false", "access.secure": "false", "access.two_factor.roles": "none", **settings}
    services = open_services(settings_from(raw, home, {}), clock=clock)
    services.passwords = Passwords(hasher=CHEAP)
    village = Village(services, clock)
    with village.reading() as site:
        village.people = {login: account.person for login, account in site.accounts.items()}
    village.worker = Worker(services)
    village.app = make_app(services)
    return village


def _populate(village: Village) -> None:
    act = village.services.actions.perform
    since = date(2024, 1, 1)
    act(SaveUnit(TOWNSHIP, "township", "柳溪镇"), OPERATOR)
    above = (ParentSpan(TOWNSHIP, since),)
    about = About(office="村部一楼", phone="0999-5550101", hours="周一至周五 8:30-17:30", ask_on_paper="村部门口的意见箱")
    act(SaveUnit(VILLAGE, "village", "石桥村", "shiqiao", "sq", about, ("一组", "二组"), above), OPERATOR)
    act(SaveUnit(OTHER_VILLAGE, "village", "杨树洼村", "yangshuwa", "ysw", parents=above), OPERATOR)
    act(SaveUnit(COMMUNITY, "community", "柳荫社区", "liuyin", "ly", about, (), above), OPERATOR)
    hashed = Passwords(hasher=CHEAP).hash(PASSWORD)
    names = {"clerk": "陈经办", "clerk2": "周经办", "approver": "李审批", "party": "王书记", "party2": "赵保密", "supervisor": "亓彧翀", "supervisor2": "孙监督", "supervisor3": "钱监督"}
    for login, role in STAFF.items():
        _person(village, login, names[login], hashed)
        for unit in (VILLAGE, COMMUNITY):
            act(GrantRole(unit, village.people[login], role, "任职文件"), OPERATOR)
    for login, role in (("subdistrict", "subdistrict"), ("inspector", "inspector")):
        _person(village, login, {"subdistrict": "吴干部", "inspector": "郑纪检"}[login], hashed)
        act(GrantRole(TOWNSHIP, village.people[login], role, "任职文件"), OPERATOR)
    for login in ("system", "security", "audit"):
        _person(village, login, {"system": "冯系统", "security": "卫安全", "audit": "蒋审计"}[login], hashed)
        act(GrantRole("site", village.people[login], login, "任职文件"), OPERATOR)
    for unit in (VILLAGE, COMMUNITY):
        seats = [Seat(village.people["supervisor"], "主任", since)]
        seats += [Seat(village.people[s], "委员", since) for s in ("supervisor2", "supervisor3")]
        act(SaveBody(unit, "supervision", "监督委员会", tuple(seats)), OPERATOR)
        act(SaveBody(unit, "committee", "村民委员会", (Seat(village.people["approver"], "副主任", since),)), OPERATOR)
        act(SaveBody(unit, "branch", "党支部委员会", (Seat(village.people["party"], "书记", since),)), OPERATOR)


def _person(village: Village, login: str, name: str, hashed: str) -> None:
    act = village.services.actions.perform
    village.people[login] = act(SavePerson(name), OPERATOR)
    act(CreateAccount(login, village.people[login], password=hashed), OPERATOR)


def words(html: str) -> str:
    """The text of a page, white space made single."""
    html = re.sub(r"(?s)<(script|style|template).*?</\1>", " ", html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()
