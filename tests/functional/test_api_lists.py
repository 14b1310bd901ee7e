"""Lists with exact counts of what each role may see, and following a site by its log."""

from __future__ import annotations

from typing import Any

from support.programs import Program, path_of, program
from support.village import COMMUNITY, TOWNSHIP, VILLAGE, Village


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in answer.json["items"]]


def walk(reader: Program, **query: Any) -> list[str]:
    """Every page of a list, each record once."""
    found: list[str] = []
    page = 1
    while True:
        answer = reader.get("/records", page=page, **query)
        found += ids(answer)
        if page >= answer.json["pages"]:
            assert len(found) == answer.json["total"]
            assert len(set(found)) == len(found)
            return found
        page += 1


def mirror(reader: Program, since: int = 0, limit: int = 3) -> tuple[dict[str, Any], int]:
    """What a follower holds that begins at ``since`` and never forgets what it was told."""
    held: dict[str, Any] = {}
    while True:
        answer = reader.get("/records", since=since, limit=limit).json
        indexes = [item["index"] for item in answer["items"]]
        assert indexes == sorted(indexes)
        for item in answer["items"]:
            held[item["id"]] = item
        since = answer["next"]
        if since >= answer["size"]:
            return held, since


def test_lists_count_what_the_reader_may_see_and_nothing_else(village: Village) -> None:
    public = [village.published(title=f"公布{n}") for n in range(3)]
    other = village.published(unit=COMMUNITY, kind="finance")
    draft = village.draft()
    village.move(public[0], "correct", "clerk", kind="substance", reason="金额写少了。")
    resident, clerk = program(village), program(village, "clerk")
    assert set(walk(resident)) == {*public, other}
    assert set(walk(clerk)) == {*public, other, draft}, "a record under correction counts once"
    assert set(walk(clerk, state="draft")) == {draft, public[0]}
    assert walk(resident, state="draft") == []
    assert set(walk(resident, unit=VILLAGE)) == set(public)
    assert set(walk(resident, unit=TOWNSHIP)) == {*public, other}
    assert walk(resident, category="finance") == [other]
    assert walk(resident, year="2025") == []
    facets = resident.get("/records").json["facets"]
    assert {f["value"]: f["count"] for f in facets["unit"]} == {VILLAGE: 3, COMMUNITY: 1}
    assert {f["value"]: f["count"] for f in facets["category"]} == {"affairs": 3, "finance": 1}
    assert {f["value"]: f["count"] for f in facets["state"]} == {"published": 4}
    stranger = program(village, "clerk", "draft")
    assert stranger.get("/records", status=403).json["scope"] == "read"


def test_pages_are_merged_newest_first(village: Village) -> None:
    made = []
    for number in range(23):
        unit = (VILLAGE, COMMUNITY)[number % 2]
        made.append(village.published(unit=unit, title=f"第{number}件"))
        village.clock.advance(days=1)
    assert walk(program(village)) == made[::-1]


def test_a_party_item_for_members_is_listed_for_its_readers_alone(village: Village) -> None:
    id = village.draft(kind="party", audience="branch")
    village.move(id, "submit", "clerk")
    village.move(id, "pass", "party2", comment="不涉密，必要，准确。")
    village.move(id, "publish", "party")
    village.catch_up()
    record = {"unit": VILLAGE, "id": id}
    for reader in (program(village), program(village, "supervisor"), program(village, "approver")):
        assert walk(reader) == []
        assert mirror(reader)[0] == {}
        reader.get(path_of(record), status=404)
        reader.get(f"{path_of(record)}/editions/1", status=404)
    assert walk(program(village, "party")) == [id]
    assert program(village, "party").get(path_of(record)).json["audience"] == "branch"


def test_a_follower_holds_what_the_site_shows(village: Village) -> None:
    first = village.published(title="第一件")
    second = village.published(title="第二件")
    hidden = village.draft(title="没有公布的")
    village.catch_up()
    reader = program(village)
    held, cursor = mirror(reader, limit=1)
    assert [(i["title"], i["standing"]) for i in held.values()] == [("第一件", "published"), ("第二件", "published")]
    assert all(item["editions"][0]["log_index"] == item["index"] for item in held.values())

    village.edit(hidden, body="又改了一遍。")
    village.move(first, "correct", "clerk", kind="substance", reason="金额写少了。")
    village.edit(first, summary="改过的两句话。")
    village.catch_up()
    quiet, later = mirror(reader, cursor)
    assert quiet == {}, "that somebody is writing does not show"
    assert later > cursor

    village.move(second, "withdraw", "approver", reason="wrong", note="金额抄错了，重新核对。")
    village.move(first, "submit", "clerk")
    village.sign(first, "supervisor")
    village.sign(first, "supervisor2")
    village.move(first, "publish", "approver")
    village.catch_up()
    news, _ = mirror(reader, later)
    assert list(news) == [second, first]
    assert (news[second]["standing"], news[second]["title"], news[second]["data"]) == ("withdrawn", "", {})
    assert news[second]["withdrawal"]["note"] == "金额抄错了，重新核对。"
    assert len(news[first]["editions"]) == 2
    held |= news
    assert {id for id, item in held.items() if item["standing"] == "published"} == set(walk(reader))

    staff, _ = mirror(program(village, "clerk"), limit=200)
    assert {first, second, hidden} == set(staff)


def test_a_follower_is_told_what_does_not_fit(village: Village) -> None:
    reader = program(village)
    assert reader.get("/records", since=10**9).json["items"] == []
    for query in ({"since": -1}, {"since": 0, "limit": 0}, {"since": 0, "page": 1}, {"limit": 5}, {"page": 501}, {"colour": "red"}):
        reader.get("/records", status=400, **query)
    reader.get("/records", unit="990101100299", status=404)
