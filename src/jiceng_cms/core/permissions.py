"""The permissions that views name, and the roles that people act in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Permission of views that anyone may open.
PUBLIC = "public"

#: Reading one's own work pages: anyone who is signed in.
STAFF = "staff"

Reach = Literal["unit", "below", "site"]


@dataclass(frozen=True)
class Role:
    """A local role: ``reach`` says where a grant at a unit holds.

    ``unit``: only at the unit itself, self-governance is not run from above;
    ``below``: there and at every unit below it, through the tree of today;
    ``site``: for the whole installation.
    """

    name: str
    zh_CN: str
    en: str
    reach: Reach
    #: Reads what was withdrawn and the history of every record.
    oversees: bool = False
    #: Second factor and fresh authentication are asked of it by default.
    privileged: bool = False


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("clerk", "经办人", "Clerk", "below"),
        Role("bookkeeper", "报账员", "Bookkeeper", "below"),
        Role("approver", "审批人", "Approver", "unit", privileged=True),
        Role("approver_party", "党组织审批人", "Party approver", "unit", privileged=True),
        Role("confidentiality", "保密审查人", "Confidentiality reviewer", "unit"),
        Role("supervisor", "监督委员会成员", "Supervision committee", "unit", oversees=True, privileged=True),
        Role("member", "委员", "Member of a body", "unit"),
        Role("subdistrict", "街道（乡镇）干部", "Subdistrict officer", "below", oversees=True, privileged=True),
        Role("inspector", "纪检监察干部", "Inspector", "below", oversees=True, privileged=True),
        Role("lawyer", "法律顾问", "Legal adviser", "below"),
        Role("importer", "旧资料录入员", "Importer", "below"),
        Role("system", "系统管理员", "System administrator", "site", privileged=True),
        Role("security", "安全管理员", "Security administrator", "site", privileged=True),
        Role("audit", "审计管理员", "Audit administrator", "site", oversees=True, privileged=True),
    )
}

#: Names that a workflow file may use beside ROLES.
EVERYONE = "everyone"
