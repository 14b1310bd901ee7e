"""Verifies one record: its editions, revisions and files against its own events."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from ..core.catalog import sort_key
from ..core.clock import iso
from ..core.commitments import b64, canonical, commit, matches, unb64
from ..core.domain import Domain
from ..core.file_texts import text_of
from ..core.history import kept
from ..core.placing import rows_of
from ..core.records import Attachment, Edition, Record, Revision

#: Kinds of events after which a record is public, or is not.
_PUBLISHING = ("record.published", "record.corrected")


class Counted(Protocol):
    """Counts what was looked at."""

    editions: int
    files: int


def record_problems(
    domain: Domain, section: Any, subject: str, record: Record, tally: Counted, listed: Counter[str]
) -> Iterator[str]:
    """What of a record contradicts its events; each text goes on after 某单位的材料某号.

    The events themselves are verified against the log by whoever calls. ``listed`` counts the
    rows that the record has in the section's lists, by class.
    """
    if record.subject != subject or subject != f"record:{record.unit}/{record.id}":
        yield f"自称是 {record.subject}。"
    events = {k.number: k.event() for k in kept(record.history)}
    if list(events) != list(range(len(events))):
        yield "的事件编号不连续，中间少了事件。"
    created = next(iter(events.values()), None)
    if created is None or created["kind"] != "record.created":
        yield "没有新建的事件。"
    elif (created["details"]["type"], created["details"]["kind"]) != (record.type, record.kind):
        yield "的类别被改过。"
    yield from _revisions(record, events)
    yield from _editions(record, events, tally)
    yield from _process(record, events)
    yield from _texts(record, events)
    yield from _standing(record, events)
    yield from _listed(domain, section, record, listed)


def _revisions(record: Record, events: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    digests = {
        e["details"]["revision"]: e["details"]["digest"]
        for e in events.values()
        if e["kind"] == "record.submitted"
    }
    for number in sorted({*digests, *record.revisions.keys()}):
        revision: Revision | None = record.revisions.get(number)
        if revision is None:
            yield f"提交审查的第 {number} 稿不见了。"
        elif number not in digests:
            yield f"的第 {number} 稿没有提交审查的事件。"
        else:
            whole = canonical({"v": 1, "data": revision.data(), "attachments": list(revision.attachments)})
            if not digests[number] == revision.digest == b64(commit(revision.salt, whole)):
                yield f"提交审查的第 {number} 稿被改过，和提交时的指纹对不上。"


def _editions(record: Record, events: Mapping[int, Mapping[str, Any]], tally: Counted) -> Iterator[str]:
    published = {
        e["details"]["edition"]: (number, e) for number, e in events.items() if e["kind"] in _PUBLISHING
    }
    for number in sorted({*published, *record.editions.keys()}):
        edition: Edition | None = record.editions.get(number)
        if edition is None:
            yield f"公布过的第 {number} 版不见了。"
        elif number not in published:
            yield f"的第 {number} 版没有公布的事件。"
        else:
            tally.editions += 1
            for text in _edition(record, edition, number, *published[number]):
                yield f"的第 {number} 版{text}"
            for text in _files(record, edition, tally):
                yield f"的第 {number} 版{text}"


def _edition(
    record: Record, edition: Edition, number: int, where: int, event: Mapping[str, Any]
) -> Iterator[str]:
    if b64(commit(edition.salt, edition.body)) != edition.commitment:
        yield "的内容被改过，和公布时的指纹对不上。"
    said = event.get("edition")
    told = event["details"]["c"] if said is None else said["c"]
    if told != edition.commitment or (said is not None and said["number"] != number):
        yield "的指纹和公布时存证的不一样。"
    try:
        content = edition.content()
    except ValueError:
        yield "的内容不是完整的文本，读不出来。"
        return
    if (said is not None) != (content["audience"] == "public") or content["audience"] != edition.audience:
        yield "的公开范围和公布时的不一样。"
    if edition.event != where:
        yield "指着另一个公布事件。"
    if not iso(edition.published_at) == content["published_at"] == event["at"]:
        yield "的公布时间被改过。"
    if not edition.display_until.isoformat() == content["display_until"] == event["details"]["display_until"]:
        yield "的公示截止日被改过。"
    if content["late_days"] != event["details"]["late_days"]:
        yield "的逾期天数被改过。"
    same = (content["record"], content["unit"], content["edition"], edition.number, edition.subject)
    if same != (record.id, record.unit, number, number, record.subject):
        yield "是从别处拿来的。"
    revision: Revision | None = record.revisions.get(event["details"]["revision"])
    if revision is not None and content["data"] != revision.data():
        yield "的内容和审查过的那一稿不一样。"


def _files(record: Record, edition: Edition, tally: Counted) -> Iterator[str]:
    try:
        files = edition.content()["attachments"]
    except ValueError:
        return
    salts = dict(edition.attachment_salts)
    for file in files:
        tally.files += 1
        name = f"的附件“{file['filename']}”"
        attachment: Attachment | None = record.attachments.get(file["id"])
        if attachment is None:
            yield f"{name}不见了。"
            continue
        told = (attachment.filename, attachment.media_type, attachment.size)
        if told != (file["filename"], file["media_type"], file["size"]):
            yield f"{name}的名称、类型或者大小被改过。"
        digest = _digest(attachment)
        if digest is None:
            yield f"{name}的文件不见了或者打不开。"
        elif not matches(unb64(file["c"]), salts.get(file["id"], b""), digest):
            yield f"{name}的文件内容被换过，和公布时的指纹对不上。"


def _digest(attachment: Attachment) -> bytes | None:
    """SHA-256 of the bytes on disk, None where they can't be read."""
    found = hashlib.sha256()
    try:
        with attachment.blob.open("r") as file:
            while part := file.read(1 << 20):
                found.update(part)
    except (OSError, KeyError):  # POSKeyError is a KeyError
        return None
    return found.digest()


def _process(record: Record, events: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    """Each edition came about as it says: its verdicts were given, its deadline passed, and
    whoever published it had no part in it (DESIGN 2)."""
    authors: set[str] = set()
    taken: set[str] = set()
    given: Counter[str] = Counter()
    lapsed = named = False
    for event in events.values():
        kind, actor, details = event["kind"], event["actor"], event["details"]
        if kind in ("record.created", "record.correcting", "record.reopened"):
            authors = {actor}
        elif kind in ("record.edited", "record.attached", "record.detached", "record.submitted"):
            authors.add(actor)
        if kind == "record.submitted":
            taken, given, lapsed, named = set(), Counter(), False, False
        elif kind == "signoff.given":
            given[details["verdict"]] += 1
            taken |= {actor, details.get("paper_for", actor)}
        elif kind == "signoff.lapsed":
            lapsed = True
        elif kind == "approval.stand_in":
            named = True
        elif kind in _PUBLISHING:
            if actor in authors | taken:
                yield f"的第 {details['edition']} 版由写过或者签过它的人公布，不合分权的规定。"
            edition: Edition | None = record.editions.get(details["edition"])
            if edition is not None:
                yield from _told_of(edition, given, lapsed, named)


def _told_of(edition: Edition, given: Counter[str], lapsed: bool, named: bool) -> Iterator[str]:
    """What an edition says of its sign-offs against the events."""
    try:
        content = edition.content()
    except ValueError:
        return  # told with the edition
    told: Counter[str] = Counter()
    for signoff in content["signoffs"]:
        told.update({verdict: signoff[verdict] for verdict in ("agree", "reserve", "object")})
        if signoff["lapsed"] and not lapsed:
            yield f"的第 {edition.number} 版写着监督意见期限已过，没有这样的事件。"
    if +told != given:
        yield f"的第 {edition.number} 版写的监督意见有 {told.total()} 条，记下来的是 {given.total()} 条，或者内容不同。"
    if content["stand_in"] and not named:
        yield f"的第 {edition.number} 版写着代为审批，没有指定代为审批人的事件。"


def _texts(record: Record, events: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    """What was read out of files, which residents read in their place, is what was kept then."""
    for event in events.values():
        commitment, id = event["details"].get("text_c"), event["details"].get("attachment", "")
        if commitment is None or id not in record.attachments:
            continue
        name = f"的附件“{record.attachments[id].filename}”读出的文字"
        text = text_of(record, id)
        if text is None:
            yield f"{name}不见了。"
        elif not matches(unb64(commitment), text.salt, text.committed()):
            yield f"{name}被改过，和附件添加时的指纹对不上。"


def _standing(record: Record, events: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    standing, number, reason, state = "unpublished", "", None, None
    withdrawn: Mapping[str, Any] | None = None
    for event in events.values():
        if event["kind"] in _PUBLISHING:
            standing, reason = "published", None
        elif event["kind"] == "record.withdrawn":
            standing, reason, withdrawn = "withdrawn", event["details"]["reason"], event
        state = event["details"].get("to", state)
    if record.standing != standing:
        words = {"unpublished": "没有公布", "published": "公布", "withdrawn": "撤回", "sealed": "封存"}
        yield f"现在标为“{words.get(record.standing, record.standing)}”，按发生过的事应当是“{words[standing]}”。"
    if (record.withdrawal.reason if record.withdrawal else None) != reason:
        yield "的撤回理由被改过。"
    elif record.withdrawal is not None and withdrawn is not None:
        stub, note = record.withdrawal, withdrawn["details"].get("note", record.withdrawal.note)
        if (iso(stub.at), stub.role, stub.note) != (withdrawn["at"], withdrawn["role"], note):
            yield "的撤回说明（时间、由谁、说明文字）被改过。"
    last = record.edition()
    if last is not None:
        try:
            number = last.content()["number"]
        except ValueError:
            return  # told with the edition
    if record.number != number:
        yield f"的索引号是 {record.number or '空'}，公布时是 {number or '空'}。"
    if state is not None and record.run.state != state:
        yield f"的流程状态被改过：现在是 {record.run.state}，最后一次办理到了 {state}。"


def _listed(domain: Domain, section: Any, record: Record, listed: Counter[str]) -> Iterator[str]:
    """The unit's lists say of the record what is true of it."""
    try:
        expected = [(name, sort_key(row.day, record.id), row) for name, row in rows_of(domain, record)]
    except ValueError:
        return  # an edition that can't be read is told with the editions
    for name, key, row in expected:
        listed[name] += 1
        listing = section.listings.get(name)
        found = listing.get(key) if listing is not None else None
        if found is None:
            yield "没有列在本单位的清单里。"
        elif found != row:
            yield f"在本单位清单里的一行被改过：写着“{found.title}”。"
        elif any(key not in listing.narrowed.get(facet, ()) for facet in set(row.keys())):
            yield "没有列在本单位按类别、年份或者状态分的清单里。"


def section_problems(section: Any, listed: Counter[str]) -> Iterator[str]:
    """Rows of a section's lists that belong to no record; counts that are not true."""
    for name, listing in section.listings.items():
        rows = len(listing.rows)
        if rows > listed[name]:
            yield f"的清单（{name.partition('|')[0]}）里有 {rows - listed[name]} 行没有对应的材料。"
        if listing.total() != rows:
            yield f"的清单（{name.partition('|')[0]}）合计写着 {listing.total()}，实际 {rows} 行。"
        for facet, keys in listing.narrowed.items():
            if listing.counts[facet]() != len(keys) or any(key not in listing.rows for key in keys):
                yield f"的清单（{name.partition('|')[0]}，{facet}）合计写着 {listing.counts[facet]()}，实际 {len(keys)} 行，或者列着没有的材料。"
