"""Who holds which office in the demo district, and the accounts that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from jiceng_cms.core.units import Duty

from . import AccountSpec, BodySpec, PersonSpec, PlaceSpec, SeatSpec
from .places import DISTRICT, FIRST_COMMUNITY, FIRST_VILLAGE, SUBDISTRICT, TOWNSHIP, load

#: The two terms that the demo tells of: five years each, as both organic laws say since 2018.
FORMER_TERM = (date(2021, 1, 15), date(2026, 1, 14))
TERM = (date(2026, 1, 15), date(2031, 1, 14))

#: What each account of a committee's office may do at its own unit.
OFFICE_ROLES: dict[str, str] = {
    "clerk": "clerk",
    "approver": "approver",
    "party": "approver_party",
    "party2": "confidentiality",
    "supervisor": "supervisor",
    "supervisor2": "supervisor",
    "supervisor3": "supervisor",
}
_FIRST_UNITS = (FIRST_VILLAGE, FIRST_COMMUNITY)
_ABOVE: dict[str, tuple[str, tuple[str, ...]]] = {
    "bookkeeper": ("bookkeeper", _FIRST_UNITS),
    "subdistrict": ("subdistrict", (SUBDISTRICT, TOWNSHIP)),
    "inspector": ("inspector", (DISTRICT,)),
    "lawyer": ("lawyer", (SUBDISTRICT, TOWNSHIP)),
    "system": ("system", (DISTRICT,)),
    "security": ("security", (DISTRICT,)),
    "audit": ("audit", (DISTRICT,)),
}


@dataclass(frozen=True)
class Office:
    """The people of one unit: names by part (``head``, ``overseer``) and what they make up."""

    unit: str
    head: str
    overseer: str
    persons: tuple[PersonSpec, ...]
    bodies: tuple[BodySpec, ...]
    accounts: tuple[AccountSpec, ...]
    duties: tuple[Duty, ...]


class _Register:
    """Gives each name of a unit one person id; the demo accounts keep their logins as ids."""

    def __init__(self, unit: str, known: dict[str, str]) -> None:
        self.unit = unit
        self.ids = dict(known)
        self.made: list[PersonSpec] = []

    def id(self, name: str) -> str:
        if name not in self.ids:
            self.ids[name] = f"{self.unit}-{len(self.made) + 1:02d}"
            self.made.append(PersonSpec(self.ids[name], name))
        return self.ids[name]


def _seats(register: _Register, *rows: tuple[str, str, str]) -> tuple[SeatSpec, ...]:
    """Rows (post, holder, holder in the former term; "" for the same person)."""
    now = [SeatSpec(register.id(name), post, *TERM) for post, name, _ in rows]
    before = [SeatSpec(register.id(old or name), post, *FORMER_TERM) for post, name, old in rows]
    return (*now, *before)


def office_of(place: PlaceSpec) -> Office:
    """The people of one of the six units of the base plan; KeyError for another."""
    data = load("people.toml")
    names: dict[str, str] = data["demo"]
    row: dict[str, Any] = data["units"][place.code]
    shared = place.code in _FIRST_UNITS
    register = _Register(
        place.code, {name: login for login, name in names.items()} if shared else {}
    )
    clerk = names["clerk"] if shared else row["clerk"]
    approver = names["approver"] if shared else row["approver"]
    party = names["party"] if shared else row["party"]
    publicity = names["party2"] if shared else row["party2"]
    overseers = (
        [names["supervisor"], names["supervisor2"], names["supervisor3"]]
        if shared
        else row["supervisors"]
    )
    committee = committee_name(place)
    rows: tuple[
        tuple[
            Literal["committee", "supervision", "branch", "assembly"],
            str,
            tuple[tuple[str, str, str], ...],
        ],
        ...,
    ] = (
        (
            "committee",
            committee,
            (
                ("主任", row["head"], ""),
                ("副主任", approver, ""),
                *(
                    ("委员", name, row["former"] if n == 2 else "")
                    for n, name in enumerate(row["members"])
                ),
            ),
        ),
        (
            "supervision",
            overseers_name(place),
            (("主任", overseers[0], ""), ("委员", overseers[1], ""), ("委员", overseers[2], "")),
        ),
        (
            "branch",
            f"中共{place.name}支部委员会",
            (
                ("书记", row["secretary"], ""),
                *((("副书记", party, ""),) if party != row["secretary"] else ()),
                ("组织委员", row["organiser"], ""),
                ("宣传委员", publicity, ""),
                ("纪检委员", row["discipline"], ""),
            ),
        ),
        ("assembly", _assembly_name(place), tuple(("代表", name, "") for name in row["assembly"])),
    )
    bodies = tuple(
        BodySpec(place.code, kind, kind, name, TERM, _seats(register, *seats))
        for kind, name, seats in rows
    )
    register.id(clerk)
    accounts: tuple[AccountSpec, ...] = ()
    if not shared:
        holders = {
            "clerk": clerk, "approver": approver, "party": party, "party2": publicity,
            "supervisor": overseers[0], "supervisor2": overseers[1], "supervisor3": overseers[2],
        }  # fmt: skip
        accounts = tuple(
            AccountSpec(
                f"{login}-{place.initials}",
                register.id(holders[login]),
                ((role, place.code),),
                shown=False,
            )
            for login, role in OFFICE_ROLES.items()
        )
    duties = [
        Duty("党支部书记", row["secretary"], "主持支部全面工作，牵头重大事项的提议和商议"),
        Duty(f"{committee}主任", row["head"], "主持全面工作，签署对外的合同和文件"),
        Duty("副主任", approver, "管工程和公共设施，审批公布的事项"),
        Duty("经办人", clerk, "登记、起草和张贴公开事项，受理查阅"),
        Duty("组织委员", row["organiser"], "管党员教育、社会救助和妇女儿童工作"),
        Duty(f"{overseers_name(place)}主任", overseers[0], "监督公开和财务，每周三上午值班听意见"),
    ]
    if shared:
        duties.insert(4, Duty("报账员", names["bookkeeper"], "报账、对账，准备收支明细"))
    return Office(
        place.code, row["head"], overseers[0], tuple(register.made), bodies, accounts, tuple(duties)
    )


def demo_persons() -> tuple[PersonSpec, ...]:
    """The people behind the demo accounts; their ids are their logins."""
    return tuple(PersonSpec(login, name) for login, name in load("people.toml")["demo"].items())


def demo_accounts() -> tuple[AccountSpec, ...]:
    """The accounts that ``jiceng demo`` prints, each able at the first village and community."""
    office = [
        AccountSpec(login, login, tuple((role, unit) for unit in _FIRST_UNITS))
        for login, role in OFFICE_ROLES.items()
    ]
    above = [
        AccountSpec(login, login, tuple((role, unit) for unit in units))
        for login, (role, units) in _ABOVE.items()
    ]
    return (*office, *above)


def bulk_bodies(place: PlaceSpec) -> tuple[BodySpec, ...]:
    """Bodies for a made-up unit, filled with the demo people, so that a few accounts do it all.

    Their accounts need the roles of OFFICE_ROLES at the unit.
    """
    rows: tuple[tuple[Literal["committee", "supervision", "branch"], str, tuple[str, ...]], ...] = (
        ("committee", committee_name(place), ("approver",)),
        ("supervision", overseers_name(place), ("supervisor", "supervisor2", "supervisor3")),
        ("branch", f"中共{place.name}支部委员会", ("party", "party2")),
    )
    return tuple(
        BodySpec(
            place.code,
            kind,
            kind,
            name,
            (FORMER_TERM[0], TERM[1]),
            tuple(
                SeatSpec(
                    login,
                    "主任" if n == 0 and kind == "supervision" else "委员",
                    FORMER_TERM[0],
                    TERM[1],
                )
                for n, login in enumerate(logins)
            ),
        )
        for kind, name, logins in rows
    )


def committee_name(place: PlaceSpec) -> str:
    """石塝村村民委员会, 杏坞社区居民委员会."""
    return place.name + ("村民委员会" if place.kind == "village" else "居民委员会")


def overseers_name(place: PlaceSpec) -> str:
    """石塝村村务监督委员会, 杏坞社区居务监督委员会."""
    return place.name + ("村务监督委员会" if place.kind == "village" else "居务监督委员会")


def _assembly_name(place: PlaceSpec) -> str:
    return place.name + ("村民代表会议" if place.kind == "village" else "居民代表会议")
