"""Whether a publication was in time is told of the day it was published, whatever came later."""

from __future__ import annotations

from support.village import Village, url


def correct(village: Village, id: str) -> None:
    village.move(id, "correct", "clerk", kind="substance", reason="金额写少了。")
    village.edit(id, summary="修了二组的水渠。\n一共花了三千二百元。")
    again(village, id)


def again(village: Village, id: str) -> None:
    village.move(id, "submit", "clerk")
    village.sign(id, "supervisor")
    village.sign(id, "supervisor2")
    village.move(id, "publish", "approver")
    village.catch_up()


def test_a_correction_after_the_due_day_makes_nothing_late(village: Village) -> None:
    id = village.published()  # due on 10 September, published on the 1st
    village.clock.advance(days=20)
    correct(village, id)
    page = village.client().get(url(id))
    assert "应于2026年9月10日前公布，实于2026年9月1日公布，没有逾期。" in page.words


def test_what_was_late_stays_late_when_corrected(village: Village) -> None:
    village.clock.advance(days=14)
    id = village.published()
    village.clock.advance(days=5)
    correct(village, id)
    page = village.client().get(url(id))
    assert "实于2026年9月15日公布，晚 5 天。" in page.words


def test_publishing_again_after_a_withdrawal_answers_the_duty_anew(village: Village) -> None:
    id = village.published()
    village.clock.advance(days=14)
    village.move(id, "withdraw", "approver", reason="wrong", note="金额抄错了，核对以后重新公布。")
    village.move(id, "redraft", "clerk")
    village.edit(id, summary="修了二组的水渠。\n一共花了三千二百元。")
    again(village, id)
    page = village.client().get(url(id))
    assert "实于2026年9月15日公布，晚 5 天。" in page.words
