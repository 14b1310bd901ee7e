"""What the pages of the administrations share: fields, reading of names, the end of sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import colander
from pyramid.httpexceptions import HTTPForbidden

from ...access.accounts import accounts_of
from ...core.errors import Invalid
from ...locale import say
from ..forms import widgets
from ..forms.types import CleanString
from .errors import STATUS

#: So many lines a list shows; the field above it narrows.
MOST = 100


def require_role(request: Any, *roles: str) -> None:
    """Refuse a page to whoever acts in another role."""
    if request.acting_role not in roles:
        raise HTTPForbidden()


def text_node(name: str, title: str, description: str = "", limit: int = 120, **kw: Any) -> Any:
    """One line of text."""
    return colander.SchemaNode(CleanString(limit=limit), name=name, title=title, description=description, **kw)


def reason_node(description: str = "") -> Any:
    """Why it is done: kept for whoever asks later."""
    return text_node("reason", say("理由"), description, 200)


def choice_node(name: str, title: str, choices: Iterable[tuple[str, str]], **kw: Any) -> Any:
    """One of some choices, from a list."""
    values = tuple(choices)
    return colander.SchemaNode(
        colander.String(),
        name=name,
        title=title,
        widget=widgets.Select(values=values),
        validator=colander.OneOf([value for value, _ in values if value]),
        **kw,
    )


def status_of(refusal: Any) -> int:
    """The HTTP status of a form that was not done."""
    if refusal is None:  # only drawn again
        return 200
    return STATUS.get(refusal.code, 409) if refusal.message else 422


def end_sessions_of(request: Any, person: str) -> None:
    """End every session of a person's accounts: access ends this minute."""
    for account in accounts_of(request.site, person):
        request.services.sessions.revoke_all(account.login)


def read_person(site: Any, text: str) -> str:
    """The id of the person meant by a name, an id, or ``姓名（编号）`` where a name is borne twice.

    Raises Invalid that says what to write.
    """
    name, _, id = text.replace("(", "（").replace(")", "）").rstrip("）").partition("（")
    name, id = name.strip(), id.strip()
    if id in site.persons or name in site.persons:
        return id if id in site.persons else name
    same = [person.id for person in site.persons.values() if person.name == name]
    if len(same) == 1:
        return str(same[0])
    if not same:
        raise Invalid(f"没有登记叫“{name[:20]}”的人，请先请系统管理员登记，或者核对姓名。")
    told = "、".join(f"{name}（{id}）" for id in same)
    raise Invalid(f"叫“{name[:20]}”的不止一个人，请写成其中一个：{told}。")


def write_person(site: Any, person: str) -> str:
    """A person as :func:`read_person` reads it: the name, with the id where another bears it too."""
    name = str(site.person_name(person))
    twice = sum(other.name == name for other in site.persons.values()) > 1
    return f"{name}（{person}）" if twice else name


def fresh_actor(request: Any) -> Any:
    """The actor, whose password was given just now (checked by ``submit``)."""
    return replace(request.actor, fresh=True)
