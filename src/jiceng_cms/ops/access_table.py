"""Who may do what, as a page of tables made from the views and the workflow files themselves.

``python -m jiceng_cms.ops.access_table`` writes ``docs/access-table.md``; a test compares it, so
that a view or a permission that changes shows in the review of the change.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pyramid.interfaces import IExceptionResponse
from pyramid.security import NO_PERMISSION_REQUIRED

from ..affairs.domain import make_domain
from ..app import make_app, open_services
from ..core.domain import Domain
from ..core.permissions import EVERYONE, ROLES
from ..core.units import Unit
from ..core.visibility import ANYONE, PARTY_AUDIENCES, Reader, audiences
from ..core.workflow.definition import PERMISSIONS, Definition
from ..web.services import settings_from
from .setup import install_site

TABLE = Path("docs") / "access-table.md"

_INTRO = """# Who may do what

Made by `python -m jiceng_cms.ops.access_table` from the views and the workflow files; do not edit
by hand. `public`: anyone. `staff`: whoever is signed in; what a role may do at a unit and in a
state is then decided by the workflow, and what is not for a reader answers like nothing at all.
Below every line stands the separation of duties: author, signers and approver of one revision are
different persons, whatever the files say.
"""


def view_rows(registry: Any) -> list[tuple[str, str, str, str]]:
    """(address or context, name, methods, permission) of every view, sorted."""
    introspector = registry.introspector
    patterns = {r["introspectable"]["name"]: r["introspectable"]["pattern"] for r in introspector.get_category("routes") or ()}
    rows = set()
    for entry in introspector.get_category("views") or ():
        view = entry["introspectable"]
        context = view["context"]
        if context is IExceptionResponse or (isinstance(context, type) and issubclass(context, Exception)):
            continue  # pages that tell of a fault open nothing
        granted = [p["value"] for p in entry["related"] if p.category_name == "permissions"]
        permission = "not asked" if NO_PERMISSION_REQUIRED in granted else ", ".join(sorted(map(str, granted)))
        where = patterns.get(view["route_name"], "") if view["route_name"] else getattr(context, "__name__", "")
        named = view["request_methods"] or "any"
        methods = sorted({named} if isinstance(named, str) else set(named) - {"HEAD"})
        rows.add((str(where), view["name"] or "", ", ".join(methods), permission or "none"))
    return sorted(rows)


def site_registry() -> Any:
    """The registry of the application over an empty site, which is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_from({}, Path(folder), {"JICENG_HOME": folder})
        install_site(settings, make_domain(), title="空", origin="demo/access-table")
        services = open_services(settings)
        try:
            return make_app(services).registry
        finally:
            services.close()


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = list(head)
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def workflow_lines(definition: Definition) -> Iterator[str]:
    """The two tables of a definition: what states allow, and who moves records on."""
    present = [r for r in ROLES if any(r in roles for roles in _all_roles(definition))]
    yield f"## {definition.id} ({definition.title['en']}, version {definition.version})"
    yield ""
    yield "What a role may do in a state:"
    yield ""
    head = ["role", *definition.states]
    rows = []
    for role in (EVERYONE, *present):
        cells = [
            ", ".join(p for p in PERMISSIONS if role in state.allow.get(p, ()))
            for state in definition.states.values()
        ]
        rows.append([role, *cells])
    yield from _table(head, rows)
    yield ""
    yield "Who moves a record:"
    yield ""
    rows = []
    for transition in definition.transitions.values():
        special = [
            word
            for word, on in (
                ("password again", transition.reauthenticate),
                ("not by author, signer or examiner", transition.approves),
                ("not by an author", transition.not_author),
                (f"comment {transition.comment}", transition.comment == "required"),
            )
            if on
        ]
        rows.append(
            [
                transition.name, ", ".join(transition.sources), transition.target, ", ".join(transition.by),
                ", ".join(transition.checks), "; ".join(special),
            ]
        )
    yield from _table(("transition", "from", "to", "by", "checks", "besides"), rows)
    yield ""
    signoffs = [
        [
            state.name, signoff.name, signoff.body, str(signoff.quorum), signoff.audience or "always",
            state.deadline_rule or "none", state.deadline_then or "none",
        ]
        for state in definition.states.values()
        for signoff in state.signoffs.values()
    ]
    if signoffs:
        yield "Who signs:"
        yield ""
        yield from _table(("state", "sign-off", "body", "quorum", "asked for", "deadline", "afterwards"), signoffs)
        yield ""


def _all_roles(definition: Definition) -> Iterator[tuple[str, ...]]:
    for state in definition.states.values():
        yield from state.allow.values()
    for transition in definition.transitions.values():
        yield transition.by


def role_lines() -> Iterator[str]:
    """The roles and how far each reaches."""
    yield "## Roles"
    yield ""
    rows = [
        [r.name, r.zh_CN, r.reach, "yes" if r.oversees else "", "yes" if r.privileged else ""] for r in ROLES.values()
    ]
    yield from _table(("role", "title", "reach", "oversees", "privileged"), rows)
    yield ""


def _acting_in(role: str) -> Reader:
    """Somebody who holds and acts in one role."""
    return Reader("somebody", role, lambda unit: frozenset({role}))


def audience_lines() -> list[str]:
    """Who reads the editions of each audience, asked of the one function that pages ask."""
    unit = Unit("990101100201", "village", "")
    shown = ("public", *PARTY_AUDIENCES)
    rows = []
    for role in ("", *ROLES):
        reader = _acting_in(role) if role else ANYONE
        open_to = audiences(reader, unit)
        oversees = role in ROLES and ROLES[role].oversees
        marks = ["yes" if audience in open_to else "" for audience in shown]
        rows.append((role or "(no account)", *marks, "what it may read" if oversees else ""))
    head = ("role at the unit", *(f"for {audience}" for audience in shown), "withdrawn")
    return ["", "## Published editions by audience", "", *_table(head, rows), ""]


def render(registry: Any, domain: Domain) -> str:
    """The whole page."""
    lines = [_INTRO, *role_lines(), *audience_lines(), "## Views", ""]
    lines += _table(("address or context", "view", "methods", "permission"), view_rows(registry))
    lines.append("")
    for definition in sorted(domain.definitions.values(), key=lambda d: d.id):
        lines += workflow_lines(definition)
    return "\n".join(lines).rstrip() + "\n"


def main(folder: Path = Path()) -> None:
    """Write the page below ``folder``, the checkout."""
    (folder / TABLE).write_text(render(site_registry(), make_domain()), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(a) for a in sys.argv[1:2]))
