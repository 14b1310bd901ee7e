"""Personal numbers are found however they are written, and codes are left alone."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric

from jiceng_cms.core.tables import Table
from jiceng_cms.privacy import Finding, scan_fields, table_fields

ID = "990000195803120017"
MOBILE = "13800138000"


def scan(text: str, allowed: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
    """(kind, certainty, what the offsets cut out of the raw text) of every finding."""
    found = scan_fields({"正文": text}, allowed_numbers=allowed)
    return [(each.kind, each.certainty, text[each.start : each.end]) for each in found]


def full_width(text: str) -> str:
    return text.translate({ord("0") + n: ord("０") + n for n in range(10)} | {ord("X"): "Ｘ"})


@st.composite
def ids(draw: st.DrawFn) -> str:
    """A number with a right check digit, in a region that does not exist."""
    born = date(1900, 1, 1) + timedelta(days=draw(st.integers(0, 46_000)))
    body = f"9900{draw(st.integers(0, 99)):02}{born:%Y%m%d}{draw(st.integers(0, 999)):03}"
    return body + ric.calc_check_digit(body + "0")


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """An ID number and one of the ways to write it."""
    number = draw(ids())
    gaps = st.sampled_from(["", "", "", " ", "-", "  ", "－", "\u3000", "\u200b", " - ", "·"])
    text = ""
    for place, character in enumerate(number):
        character = draw(st.sampled_from([character, full_width(character), character.lower()]))
        text += character + (draw(gaps) if place < 17 else "")
    return number, text


@given(written(), st.sampled_from(["", "身份证号", "王某某 ", "（", "证件:"]), st.sampled_from(["", "，", "）", "。电话", " 住某村"]))
def test_a_valid_id_is_found_in_any_formatting(pair: tuple[str, str], before: str, after: str) -> None:
    text = before + pair[1] + after
    found = [each for each in scan(text) if each[0] == "resident_id"]
    assert found == [("resident_id", "sure", pair[1])]


@given(written())
def test_no_part_of_the_number_is_in_a_finding(pair: tuple[str, str]) -> None:
    for finding in scan_fields({"正文": f"身份证{pair[1]}"}):
        assert set(finding.excerpt_masked) == {"●"}
        assert not any(character.isdigit() for character in finding.reason.replace("18位", "").replace("15位", ""))
        assert pair[0] not in repr(finding)


@given(st.text(max_size=200))
def test_random_text_never_breaks_a_scan(text: str) -> None:
    for finding in scan_fields({"正文": text}):
        assert 0 <= finding.start < finding.end <= len(text)


@given(st.text("0123456789０１２Xx -－.\n卡账号编", max_size=120))
def test_findings_are_in_order_and_apart(text: str) -> None:
    found = scan_fields({"正文": text})
    for one, other in pairwise(found):
        assert one.end <= other.start


def test_a_wrong_check_digit_asks() -> None:
    assert scan(f"身份证{ID[:-1]}8") == [("resident_id", "asks", f"{ID[:-1]}8")]


def test_a_number_over_a_line_break_is_found_only_if_it_checks() -> None:
    broken = f"{ID[:10]}\n{ID[10:]}"
    assert scan(broken) == [("resident_id", "sure", broken)]
    assert scan(broken[:-1] + "8") == []


def test_a_number_glued_to_its_neighbour_asks() -> None:
    assert scan(f"名单{ID}{MOBILE}") == [("resident_id", "asks", ID)]
    assert scan(f"{MOBILE}{full_width(ID)}") == [("resident_id", "asks", full_width(ID))]


def test_the_number_of_before_1999_asks() -> None:
    assert scan("身份证号990000580312001") == [("resident_id", "asks", "990000580312001")]
    assert scan("注册号990000580312001") == []


@pytest.mark.parametrize("ten", ["X", "x", "Ｘ", "×", "Ⅹ"])
def test_the_ten_at_the_end_has_many_faces(ten: str) -> None:
    number = "99000019491231002"
    digit = ric.calc_check_digit(number + "0")
    assert digit != "X"
    body = next(
        number[:14] + f"{n:03}" for n in range(1000) if ric.calc_check_digit(number[:14] + f"{n:03}0") == "X"
    )
    assert scan(f"证号{body}{ten}。") == [("resident_id", "sure", body + ten)]


@pytest.mark.parametrize(
    "text",
    [MOBILE, full_width(MOBILE), "138 0013 8000", "138-0013-8000", "1 3 8 0 0 1 3 8 0 0 0", "８６13800138000",
     "+86 13800138000", "013800138000", "①③⑧⓪⓪①③⑧⓪⓪⓪", "138\u200b00138000", "13800138000.3月1日", "tel13800138000"],
)  # fmt: skip
def test_a_mobile_number_is_found_however_it_is_written(text: str) -> None:
    assert [(kind, certainty) for kind, certainty, _ in scan(f"请拨 {text}")] == [("mobile", "sure")]
    assert [kind for kind, _, _ in scan(f"{text}，联系人甲")] == ["mobile"]


def test_office_numbers_on_the_list_pass() -> None:
    text = f"值班 {full_width(MOBILE)}，个人 13900139000"
    assert [cut for _, _, cut in scan(text, allowed=("138-0013-8000",))] == ["13900139000"]


@given(st.integers(0, 10**12 - 1))
def test_a_card_with_a_right_sum_is_sure(number: int) -> None:
    body = f"622{number:012}"
    card = body + luhn.calc_check_digit(body)
    # sixteen digits; nothing before it says that it is something else
    assert scan(f"卡号：{card}") == [("bank_card", "sure", card)]
    spaced = " ".join(card[n : n + 4] for n in range(0, 16, 4))
    assert scan(f"打到{spaced}这张") == [("bank_card", "sure", spaced)]


def test_a_card_with_a_wrong_sum_asks() -> None:
    assert scan("一卡通6217000000000000001") == [("bank_card", "asks", "6217000000000000001")]
    assert scan("开户行账号 12345678901234567") == [("bank_card", "asks", "12345678901234567")]


@pytest.mark.parametrize(
    "text",
    [
        "凭证号202604100001234567",
        "银行支出凭证 202604100001234567",
        "202604100001234567",
        "统一社会信用代码 54110105ME000001XW",
        "91110000101623741K",
        "区划代码 110105102201，990101100201",
        "合同金额 130102.00 元，收入 13800138000.00 元",
        "服务电话 12345，0451-5550123",
        "2026-01-08 至 2026-03-31",
        "2023 2024 2025 2026 2027",
        "150000 130000 120000 110000",
        "6000 2860 4120 5000",
        "IMG_20260410_123456789.jpg",
        "mmexport1690000000000.jpg",
        "Screenshot_2026-04-13-12-34-56-789.png",
        "公安备案号 11010502030143",
        "发票代码 011002100311 发票号码 12345678",
        "e3b0c44298fc1c149afbf4c8996fb92427ae13800138000e4649b934ca495991b",
    ],
)
def test_codes_sums_and_dates_are_left_alone(text: str) -> None:
    assert scan(text) == []


def test_fields_tables_and_file_names_are_told_apart() -> None:
    table = Table("名单", ("姓名", "备注", "备注"), (("甲", "无", ""), ("乙", f"证{ID}", f"电话{MOBILE}")))
    found = scan_fields(
        {"标题": "通知", "附件名": f"王某{MOBILE}.pdf", **table_fields("表1", table)}
    )
    assert [(each.field, each.kind) for each in found] == [
        ("附件名", "mobile"),
        ("表1：第2行「备注」", "resident_id"),
        ("表1：第2行「备注」（第3列）", "mobile"),
    ]


def test_other_detectors_can_be_given() -> None:
    class Everything:
        kind = "all"

        def scan(self, field: str, text: str) -> list[Finding]:
            return [Finding("all", field, 0, len(text), "●", "全部")]

    found = scan_fields({"正文": MOBILE}, detectors=[Everything()])
    assert [each.kind for each in found] == ["all"]


@pytest.mark.parametrize("unit", ["1 ", "62 ", "6222-", "13800138000 ", "1990 ", "6"])
def test_long_hostile_text_is_scanned_in_one_pass(unit: str) -> None:
    found = scan_fields({"正文": unit * 3000})
    assert len(found) <= 3000


@pytest.mark.shared
def test_the_traps_of_the_sample_are_found_and_its_decoys_are_not(shared: Path) -> None:
    text = (shared / "samples" / "99_synthetic_finance_and_privacy_traps.txt").read_text(encoding="utf-8")
    body = text[text.index("××村村民委员会") :]
    assert [(kind, cut) for kind, _, cut in scan(body)] == [
        ("resident_id", ID),
        ("mobile", MOBILE),
        ("bank_card", "6200000000000000125"),
        ("resident_id", "990000201309051026"),
        ("mobile", MOBILE),
    ]
