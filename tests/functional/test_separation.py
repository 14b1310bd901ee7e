"""Author, signers and approver of an edition are different persons, whatever anyone tries."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiceng_cms.affairs.units.actions import EndRole, GrantRole, SaveBody
from jiceng_cms.core.drafting import SaveDraft
from jiceng_cms.core.errors import (
    ChecksFailed,
    Forbidden,
    NotFound,
    NotNow,
    Refused,
    SeparationOfDuties,
)
from jiceng_cms.core.moving import MoveRecord
from jiceng_cms.core.people import Seat
from jiceng_cms.core.records import Record
from jiceng_cms.core.signing import GiveVerdict, NameStandIn, Recuse
from support.village import OPERATOR, SECTION, START, VILLAGE, Village, url

#: People who hold every role that may be held together: a village where three do everything.
MANY = ("clerk", "clerk2", "approver", "party")
ALL_ROLES = ("clerk", "approver", "approver_party", "confidentiality")
SUPERVISORS = ("supervisor", "supervisor2", "supervisor3")

KINDS = (*["forward"] * 12, "edit", "back", "paper", "recuse", "stand_in", "withdraw")
steps = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 3)), min_size=12, max_size=30)


def give_all_roles(village: Village) -> None:
    for login in MANY:
        with village.reading() as site:
            held = site.units[VILLAGE].roles.of(village.people[login], village.clock.now())
        for role in ALL_ROLES:
            if role not in held:
                village.services.actions.perform(GrantRole(VILLAGE, village.people[login], role, "人手少"), OPERATOR)


@dataclass
class Story:
    """One record, what people try with it, and who really did what, kept beside the engine."""

    village: Village
    id: str
    party: bool
    authors: set[str] = field(default_factory=set)
    signers: set[str] = field(default_factory=set)
    #: who recorded paper sheets, examined, or stepped aside
    others: set[str] = field(default_factory=set)
    approvers: list[str] = field(default_factory=list)
    refused: list[type] = field(default_factory=list)
    edits: int = 0

    def look(self) -> tuple[str, int, int]:
        with self.village.reading() as site:
            record: Record = site.units[VILLAGE].sections[SECTION].records[self.id]
            return record.run.state, record.run.revision, len(record.run.verdicts)

    def move(self, transition: str, login: str, role: str, comment: str = "", **data: str) -> None:
        version = self.village.version(self.id)
        action = MoveRecord(VILLAGE, SECTION, self.id, transition, version, comment, data)
        self.village.do(action, login, role=role)

    def new_round(self) -> None:
        self.signers, self.others = set(), set()

    def edit(self, login: str) -> None:
        self.edits += 1
        with self.village.reading() as site:
            draft = site.units[VILLAGE].sections[SECTION].records[self.id].draft
            data, version = {**draft.data, "summary": f"第{self.edits}次写的。"}, draft.version
        self.village.do(SaveDraft(VILLAGE, SECTION, self.id, version, data), login, role="clerk")
        self.authors.add(login)

    def forward(self, login: str, other: int) -> None:
        state, revision, given = self.look()
        approver = "approver_party" if self.party else "approver"
        if state == "draft":
            self.move("submit", login, "clerk")
            self.new_round()
            self.authors.add(login)
        elif state == "examine":
            self.move("pass", login, "confidentiality", "不涉密")
            assert login not in self.authors
            self.others.add(login)
        elif state in ("review", "approve") and given < 2:
            signer = SUPERVISORS[other % 3]
            self.village.do(GiveVerdict(VILLAGE, SECTION, self.id, "supervision", revision, "agree"), signer)
            self.signers.add(signer)
        elif state in ("review", "approve"):
            self.move("publish", login, approver)
            self.approvers.append(login)
            assert login not in self.authors | self.signers | self.others
            assert not self.authors & self.signers
            self.authors = set()
        elif state == "published":
            self.move("correct", login, "clerk", kind="substance", reason="有变化")
            self.authors.add(login)
            self.edit(login)
        elif state == "withdrawn":
            self.move("redraft", login, "clerk")
            self.authors = {login}  # the draft of a correction went with the withdrawal

    def somebody_goes_forward(self, person: int, other: int) -> None:
        """The next step by whoever may: people are asked in turn."""
        for turn in range(4):
            try:
                self.forward(MANY[(person + turn) % 4], other + turn)
                return
            except Refused as error:
                self.refused.append(type(error))

    def step(self, kind: str, person: int, other: int) -> None:
        login, state = MANY[person], self.look()
        approver = "approver_party" if self.party else "approver"
        if kind == "forward":
            self.somebody_goes_forward(person, other)
        elif kind == "edit":
            self.edit(login)
        elif kind == "back":
            self.move("return", login, approver, "再改改")
            self.new_round()
        elif kind == "paper":
            signer = SUPERVISORS[other % 3]
            action = GiveVerdict(
                VILLAGE, SECTION, self.id, "supervision", state[1], "agree", paper_for=self.village.people[signer]
            )
            self.village.do(action, login, role="clerk")
            self.signers.add(signer)
            self.others.add(login)
        elif kind == "recuse":
            self.village.do(Recuse(VILLAGE, SECTION, self.id, "是亲属"), login, role=approver)
            self.others.add(login)
        elif kind == "stand_in":
            named = self.village.people[MANY[other]]
            self.village.do(NameStandIn(VILLAGE, SECTION, self.id, named, "两委会议"), login, role="clerk")
        else:
            self.move("withdraw", login, approver, reason="wrong", note="核对以后再公布")


@pytest.mark.slow
@pytest.mark.parametrize("party", [False, True])
def test_no_sequence_of_deeds_yields_an_edition_whose_people_overlap(village: Village, party: bool) -> None:
    give_all_roles(village)
    published: list[str] = []
    refused: list[type] = []

    @settings(max_examples=40)
    @given(steps)
    def tell(done: list[tuple[str, int, int]]) -> None:
        kind = {"kind": "party", "audience": "public"} if party else {"kind": "affairs"}
        story = Story(village, village.draft(**kind), party, {"clerk"})
        for step in done:
            try:
                story.step(*step)
            except Refused as error:
                story.refused.append(type(error))
        refused.extend(story.refused)
        published.extend(story.approvers)

    tell()
    assert len(published) > 10, "the stories do reach publication"
    assert SeparationOfDuties in refused, "and people do try"


class TestSayings:
    """What people read when they try."""

    def test_an_approver_does_not_edit_but_returns_with_remarks(self, village: Village) -> None:
        id = village.draft()
        with pytest.raises(SeparationOfDuties, match="退回并附修改意见"):
            village.edit(id, "approver", summary="我来改改")
        village.move(id, "submit", "clerk")
        village.move(id, "return", "approver", comment="请写明由谁施工")
        with village.reading() as site:
            assert site.units[VILLAGE].sections[SECTION].records[id].run.remark == "请写明由谁施工"

    def test_who_wrote_or_handed_in_does_not_approve(self, village: Village) -> None:
        give_all_roles(village)
        id = village.draft("clerk")
        village.edit(id, "clerk2", summary="添一句。")
        village.do(MoveRecord(VILLAGE, SECTION, id, "submit", village.version(id)), "approver", role="clerk")
        for login in SUPERVISORS[:2]:
            village.sign(id, login)
        for login in ("clerk", "clerk2", "approver"):
            with pytest.raises(SeparationOfDuties, match="写过或者提交过"):
                village.do(MoveRecord(VILLAGE, SECTION, id, "publish", village.version(id)), login, role="approver")
        village.do(MoveRecord(VILLAGE, SECTION, id, "publish", village.version(id)), "party", role="approver")

    def test_a_redrafted_text_has_its_author_though_not_a_word_changed(self, village: Village) -> None:
        give_all_roles(village)
        id = village.published()
        village.move(id, "withdraw", "approver", reason="ordered", note="上级责令先撤回核对")
        village.move(id, "redraft", "clerk2")
        village.do(MoveRecord(VILLAGE, SECTION, id, "submit", village.version(id)), "clerk2")
        for login in SUPERVISORS[:2]:
            village.sign(id, login)
        with pytest.raises(SeparationOfDuties):
            village.do(MoveRecord(VILLAGE, SECTION, id, "publish", village.version(id)), "clerk2", role="approver")

    def test_who_examined_a_party_item_does_not_approve_it(self, village: Village) -> None:
        give_all_roles(village)
        id = village.draft(kind="party", audience="branch")
        village.move(id, "submit", "clerk")
        with pytest.raises(SeparationOfDuties, match="另一个人审核"):
            village.do(MoveRecord(VILLAGE, SECTION, id, "pass", village.version(id), "不涉密"), "clerk", role="confidentiality")
        village.do(MoveRecord(VILLAGE, SECTION, id, "pass", village.version(id), "不涉密"), "party", role="confidentiality")
        with pytest.raises(SeparationOfDuties, match="审核过"):
            village.move(id, "publish", "party")
        village.do(MoveRecord(VILLAGE, SECTION, id, "publish", village.version(id)), "clerk2", role="approver_party")


class TestPaper:
    def paper(self, village: Village, id: str, login: str, member: str = "supervisor") -> None:
        action = GiveVerdict(VILLAGE, SECTION, id, "supervision", 1, "agree", paper_for=village.people[member])
        village.do(action, login, role="clerk")

    def test_the_author_does_not_enter_a_sheet(self, village: Village) -> None:
        id = village.draft()
        village.move(id, "submit", "clerk")
        with pytest.raises(SeparationOfDuties, match="另一个人代录"):
            self.paper(village, id, "clerk")

    def test_the_sheet_is_the_members_verdict_and_shown_as_entered(self, village: Village) -> None:
        id = village.draft()
        village.move(id, "submit", "clerk")
        self.paper(village, id, "clerk2")
        with pytest.raises(NotNow, match="已经提过"):
            village.sign(id, "supervisor")
        village.sign(id, "supervisor2")
        village.move(id, "publish", "approver")
        with village.reading() as site:
            edition = site.units[VILLAGE].sections[SECTION].records[id].edition()
            (signoff,) = edition.content()["signoffs"]
        assert signoff["agree"] == 2
        assert [r["paper_by"] for r in signoff["reasons"]] == ["经办人"]
        assert all(r["name"] == "" for r in signoff["reasons"]), "no name without 署名"

    def test_the_recorder_does_not_approve(self, village: Village) -> None:
        give_all_roles(village)
        id = village.draft()
        village.move(id, "submit", "clerk")
        self.paper(village, id, "clerk2")
        village.sign(id, "supervisor2")
        with pytest.raises(SeparationOfDuties, match="代录过"):
            village.do(MoveRecord(VILLAGE, SECTION, id, "publish", village.version(id)), "clerk2", role="approver")

    def test_nobody_signs_for_a_member_who_is_not_on_the_roster(self, village: Village) -> None:
        id = village.draft()
        village.move(id, "submit", "clerk")
        with pytest.raises(Forbidden, match="名单"):
            self.paper(village, id, "clerk2", "inspector")


class TestStandIn:
    """First the two committees, then the subdistrict, for this record only."""

    @pytest.fixture
    def stuck(self, village: Village) -> str:
        """A record whose only approver stepped aside."""
        since = START.date()
        village.do(
            SaveBody(VILLAGE, "committee", "村民委员会", (
                Seat(village.people["approver"], "主任", since), Seat(village.people["party2"], "委员", since),
            )),
            "system",
        )
        village.do(SaveBody(VILLAGE, "branch", "党支部委员会", ()), "system")
        id = village.draft()
        village.move(id, "submit", "clerk")
        for login in SUPERVISORS[:2]:
            village.sign(id, login)
        return id

    def name(self, village: Village, id: str, login: str) -> None:
        village.do(NameStandIn(VILLAGE, SECTION, id, village.people[login], "两委会议 9月1日"), "clerk")

    def publish(self, village: Village, id: str, login: str) -> None:
        village.do(MoveRecord(VILLAGE, SECTION, id, "publish", village.version(id)), login)

    def test_nobody_is_named_while_an_approver_is_free(self, village: Village, stuck: str) -> None:
        with pytest.raises(Refused, match="李审批可以审批"):
            self.name(village, stuck, "party2")

    def test_a_member_of_the_committees_comes_first(self, village: Village, stuck: str) -> None:
        village.do(Recuse(VILLAGE, SECTION, stuck, "施工的是我弟弟"), "approver")
        with pytest.raises(Refused, match="先从他们中间"):
            self.name(village, stuck, "subdistrict")
        with pytest.raises(SeparationOfDuties, match="回避"):
            self.publish(village, stuck, "approver")
        with pytest.raises(SeparationOfDuties):
            self.name(village, stuck, "clerk")
        with pytest.raises((Forbidden, NotFound)):
            self.publish(village, stuck, "party2")
        self.name(village, stuck, "party2")
        self.publish(village, stuck, "party2")
        with village.reading() as site:
            assert site.units[VILLAGE].sections[SECTION].records[stuck].edition().content()["stand_in"] == "committee"

    def test_then_the_subdistrict_and_the_public_is_told(self, village: Village, stuck: str) -> None:
        for login in ("approver", "party2"):
            seat = (Seat(village.people["approver"], "主任", START.date()),)
            if login == "party2":
                village.do(SaveBody(VILLAGE, "committee", "村民委员会", seat), "system")
            else:
                village.do(Recuse(VILLAGE, SECTION, stuck, "是亲属"), "approver")
        with pytest.raises(Refused, match="街道"):
            self.name(village, stuck, "inspector")
        self.name(village, stuck, "subdistrict")
        self.publish(village, stuck, "subdistrict")
        page = village.client().get(f"/u/{VILLAGE}/{SECTION}/{stuck}")
        assert "因回避由街道代为审核" in page.words
        other = village.draft()
        village.move(other, "submit", "clerk")
        for login in SUPERVISORS[:2]:
            village.sign(other, login)
        with pytest.raises((Forbidden, NotFound)):
            self.publish(village, other, "subdistrict")

    def test_who_lost_the_office_stands_in_no_longer(self, village: Village, stuck: str) -> None:
        village.do(Recuse(VILLAGE, SECTION, stuck, "是亲属"), "approver")
        self.name(village, stuck, "party2")
        village.do(SaveBody(VILLAGE, "committee", "村民委员会", (Seat(village.people["approver"], "主任", START.date()),)), "system")
        with pytest.raises((Forbidden, NotFound)):
            self.publish(village, stuck, "party2")

    def test_a_new_text_needs_a_new_decision(self, village: Village, stuck: str) -> None:
        village.do(Recuse(VILLAGE, SECTION, stuck, "是亲属"), "approver")
        self.name(village, stuck, "party2")
        village.move(stuck, "take_back", "clerk", comment="改一处")
        village.edit(stuck, summary="改过的。")
        village.move(stuck, "submit", "clerk")
        for login in SUPERVISORS[:2]:
            village.sign(stuck, login)
        with pytest.raises((Forbidden, NotFound)):
            self.publish(village, stuck, "party2")


def test_a_role_that_was_taken_back_counts_no_more(village: Village) -> None:
    id = village.draft()
    village.do(EndRole(VILLAGE, village.people["clerk"], "clerk", "调离"), "security")
    for attempt in (lambda: village.edit(id, summary="再改"), lambda: village.move(id, "submit", "clerk"), village.draft):
        with pytest.raises((Forbidden, NotFound)):
            attempt()


def test_the_recused_leave_the_denominator(village: Village) -> None:
    id = village.draft()
    village.move(id, "submit", "clerk")
    village.sign(id, "supervisor")
    with pytest.raises(ChecksFailed, match="3人中要有2人"):
        village.move(id, "publish", "approver")
    for login in SUPERVISORS[1:]:
        village.do(Recuse(VILLAGE, SECTION, id, "是亲属"), login)
    village.move(id, "publish", "approver")


def test_a_committee_that_steps_aside_to_the_last_member_is_waited_for(village: Village) -> None:
    id = village.draft()
    village.move(id, "submit", "clerk")
    for member in ("supervisor", "supervisor2", "supervisor3"):
        village.do(Recuse(VILLAGE, SECTION, id, "施工队是亲戚的"), member)
    with pytest.raises(ChecksFailed, match="都回避了"):
        village.move(id, "publish", "approver")
    village.clock.advance(days=8)
    village.move(id, "publish", "approver")
    assert "3人回避" in village.client().get(url(id)).words
