"""Who sees what: one answer everywhere, and nothing counted that is not visible."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jiceng_cms.core.errors import ChecksFailed
from jiceng_cms.core.permissions import ROLES
from jiceng_cms.core.visibility import (
    ANYONE,
    PARTY_READERS,
    Reader,
    edition_listings,
    sees_edition,
    sees_withdrawn,
    sees_work,
    stub_is_public,
    visible,
    work_listings,
)
from support.village import SECTION, VILLAGE, Village, url

STAFF_ROLES = sorted(name for name, role in ROLES.items() if role.reach != "site")
BRANCH = {"kind": "party", "audience": "branch", "title": "发展党员的决议"}


def reader(role: str) -> Reader:
    """Somebody who acts in a role and holds it."""
    return Reader("somebody", role, lambda unit: frozenset([role]))


def party(village: Village, **changes: str) -> str:
    return village.draft(**{**BRANCH, **changes})


def approve(village: Village, id: str) -> None:
    village.move(id, "submit", "clerk")
    village.move(id, "pass", "party2", comment="不涉密")


def published_in_the_branch(village: Village) -> str:
    id = party(village)
    approve(village, id)
    village.move(id, "publish", "party")
    return id


class TestRoles:
    def test_a_role_that_is_not_held_counts_for_nothing(self, village: Village) -> None:
        id = village.draft()
        pretender = Reader("somebody", "clerk", lambda unit: frozenset(["lawyer"]))
        with village.reading() as site:
            unit = site.units[VILLAGE]
            found = unit.sections[SECTION].records[id]
            domain = village.services.domain
            assert not visible(domain, site, pretender, unit, found)
            assert not visible(domain, site, ANYONE, unit, found)
            assert visible(domain, site, reader("clerk"), unit, found)

    def test_a_role_without_a_person_sees_no_work(self, village: Village) -> None:
        id = village.draft()
        nobody = Reader(None, "clerk", lambda unit: frozenset(["clerk"]))
        with village.reading() as site:
            unit = site.units[VILLAGE]
            assert not sees_work(village.services.domain, site, nobody, unit, unit.sections[SECTION].records[id])


class TestPartyItems:
    """本支部 is read by the branch committee's accounts and those who made it, by nobody else."""

    @pytest.fixture(params=["draft", "examine", "approve", "published", "withdrawn"])
    def branch(self, village: Village, request: pytest.FixtureRequest) -> str:
        """A branch item in each state."""
        id = party(village)
        wanted = request.param
        if wanted != "draft":
            village.move(id, "submit", "clerk")
        if wanted not in ("draft", "examine"):
            village.move(id, "pass", "party2", comment="不涉密")
        if wanted in ("published", "withdrawn"):
            village.move(id, "publish", "party")
        if wanted == "withdrawn":
            village.move(id, "withdraw", "party", reason="wrong", note="核对以后再说")
        return id

    def outsiders(self) -> Iterator[Reader]:
        yield ANYONE
        for role in STAFF_ROLES:
            if role not in PARTY_READERS:
                yield reader(role)

    def test_outsiders_see_nothing_of_it_in_any_state(self, village: Village, branch: str) -> None:
        domain = village.services.domain
        with village.reading() as site:
            unit = site.units[VILLAGE]
            section = unit.sections[SECTION]
            found = section.records[branch]
            assert not stub_is_public(found)
            for who in self.outsiders():
                assert not visible(domain, site, who, unit, found), who.role
                assert not sees_edition(who, unit, found), who.role
                assert not sees_work(domain, site, who, unit, found), who.role
                assert not sees_withdrawn(who, unit, found), who.role
                listed = [row.id for one in edition_listings(who, unit, section) for row in one.page(size=999)]
                listed += [row.id for *_, one in work_listings(domain, site, who, unit, section) for row in one.page(size=999)]
                assert branch not in listed, who.role

    def test_the_branch_sees_it_in_every_state(self, village: Village, branch: str) -> None:
        with village.reading() as site:
            unit = site.units[VILLAGE]
            found = unit.sections[SECTION].records[branch]
            assert visible(village.services.domain, site, reader("approver_party"), unit, found)


@pytest.fixture(scope="module")
def id(village: Village) -> str:
    """A branch item that was published and has reached the log and the index."""
    made = published_in_the_branch(village)
    village.catch_up()
    return made


class TestPublishedInTheBranch:
    def test_no_page_of_residents_and_no_search_shows_it(self, village: Village, id: str) -> None:
        resident = village.client()
        for path in (
            url(id), url(id, "print"), url(id, "qr"), url(id, "work"), url(id, "history"), url(id, "editions", "1"),
            url(id, "editions", "1", "proof"), url(id, "editions", "1", "qr"), url(id, "editions", "1", "difference"),
        ):
            answer = resident.get(path, expect_errors=True)
            assert answer.status_int in (303, 404), path
            assert "发展党员" not in answer.text
        for path in ("/", f"/u/{VILLAGE}/", f"/u/{VILLAGE}/{SECTION}/"):
            assert "发展党员" not in resident.get(path).text
        assert id not in resident.get("/search", {"q": "发展党员".encode()}).text

    def test_a_supervisor_does_not_read_it_either(self, village: Village, id: str) -> None:
        member = village.client("supervisor")
        for path in (url(id), url(id, "work"), url(id, "history"), url(id, "editions", "1", "proof")):
            assert member.get(path, expect_errors=True).status_int in (403, 404), path
        assert "发展党员" not in member.get("/staff").text

    def test_the_party_approver_reads_it(self, village: Village, id: str) -> None:
        page = village.client("party").get(url(id))
        assert "发展党员的决议" in page.words
        assert "只在党内公开" in page.words

    def test_the_log_tells_nothing_of_it_but_that_something_happened(self, village: Village, id: str) -> None:
        with village.reading() as site:
            history = site.units[VILLAGE].sections[SECTION].records[id].history
            assert all(leaf.startswith(b'{"c":') and id.encode() not in leaf for _, _, leaf in history.values())


def test_what_was_public_is_not_made_party_only_by_a_correction(village: Village) -> None:
    id = party(village, audience="public")
    approve(village, id)
    for login in ("supervisor", "supervisor2"):
        village.sign(id, login)
    village.move(id, "publish", "party")
    village.move(id, "correct", "clerk", kind="substance", reason="改公开范围")
    village.edit(id, audience="branch")
    with pytest.raises(ChecksFailed, match="请办理撤回"):
        village.move(id, "submit", "clerk")


def test_a_party_item_may_widen_and_its_first_edition_stays_inside(village: Village) -> None:
    id = published_in_the_branch(village)
    village.move(id, "correct", "clerk", kind="substance", reason="向社会公开")
    village.edit(id, audience="public", summary="已经研究决定。\n向社会公开。")
    approve(village, id)
    for login in ("supervisor", "supervisor2"):
        village.sign(id, login)
    village.move(id, "publish", "party")
    resident = village.client()
    assert "向社会公开" in resident.get(url(id)).words
    for tail in (("editions", "1"), ("editions", "1", "proof"), ("editions", "2", "difference")):
        assert resident.get(url(id, *tail), expect_errors=True).status_int == 404
    assert resident.get(url(id, "editions", "2", "proof")).json["commitment"]
