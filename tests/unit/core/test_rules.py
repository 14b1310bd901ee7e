"""The register of rules: the law of the day, counties that tighten, loaders that refuse."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.core.rules import PERIODS, RuleError, RuleMissing, RuleRegister, default_register

COUNTY = "990101000000"
FLOOR = """
[[rules]]
id = "disclosure.min_display_days"
version = 1
value = 15
unit = "natural_day"
stricter = "higher"
unit_kinds = ["village"]
level = "statutory_floor"
since = 2026-01-01
checked = "R"
title = { zh_CN = "公布的最短天数", en = "Least days on display" }
basis = { law = "某法", version = 2025-10-28, article = "35", in_force = 2026-01-01 }
"""


def local(value: str = "20", **changes: str) -> str:
    """A county's entry for the floor above, with some lines changed."""
    entry = {
        "id": '"disclosure.min_display_days"',
        "version": "1",
        "value": value,
        "unit": '"natural_day"',
        "stricter": '"higher"',
        "unit_kinds": '["village"]',
        "level": '"local_default"',
        "since": "2026-03-01",
        "checked": '"D"',
        "title": '{ zh_CN = "本县天数", en = "Days in this county" }',
    }
    entry.update(changes)
    lines = [f"{key} = {value}" for key, value in entry.items() if value]
    return "\n[[rules]]\n" + "\n".join(lines) + "\n"


def register(tmp_path: Path, floor: str = FLOOR, county: str | None = None) -> RuleRegister:
    paths = [tmp_path / "rules.toml"]
    paths[0].write_text(floor, encoding="utf-8")
    if county is not None:
        paths.append(tmp_path / "county.toml")
        paths[1].write_text(f'county = "{COUNTY}"\n{county}', encoding="utf-8")
    return RuleRegister.load(paths)


def test_the_display_floor_holds_from_the_day_the_new_law_does() -> None:
    rules = default_register()
    for kind, article in (("village", "35"), ("community", "34")):
        before = rules.resolve("disclosure.min_display_days", kind, date(2025, 12, 31))
        after = rules.resolve("disclosure.min_display_days", kind, date(2026, 1, 1))
        assert (before.level, before.value) == ("local_default", 5)
        assert (after.level, after.value) == ("statutory_floor", 15)
        assert after.basis is not None
        assert after.basis.article == article
        assert after.version > before.version
        assert rules.floor("disclosure.min_display_days", kind, date(2025, 12, 31)) is None
        assert rules.floor("disclosure.min_display_days", kind, date(2026, 1, 1)) == after


def test_frequencies_cite_the_article_of_their_day() -> None:
    rules = default_register()
    for day, article in ((date(2024, 6, 1), "30"), (date(2026, 6, 1), "35")):
        rule = rules.resolve("disclosure.finance.busy_frequency", "village", day)
        assert rule.amount() == "每月"
        assert rule.basis is not None
        assert rule.basis.article == article


@pytest.mark.parametrize(
    "rule_id",
    ["disclosure.min_display_days", "disclosure.supervision_days", "party.review_days",
     "disclosure.general.frequency", "disclosure.finance.frequency", "question.reply_days"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["village", "community"])
@pytest.mark.parametrize("on", [date(2024, 1, 1), date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31)])
def test_what_the_workflows_name_is_there_for_every_committee_since_2024(
    rule_id: str, kind: str, on: date
) -> None:
    rule = default_register().resolve(rule_id, kind, on)
    assert rule.holds(kind, on)


def test_sources_are_plain_chinese_and_say_what_binds() -> None:
    rules = default_register()
    floor = rules.resolve("disclosure.min_display_days", "village", date(2026, 5, 1))
    assert floor.source() == "依据《中华人民共和国村民委员会组织法》（2025年10月28日的文本）第三十五条。"
    for rule in rules:
        assert not re.search("[A-Za-z]", rule.source() + rule.title() + rule.amount())
        assert ("依据" in rule.source()) == (rule.level == "statutory_floor")


def test_an_unknown_rule_or_day_is_an_error_that_names_it() -> None:
    rules = default_register()
    with pytest.raises(RuleMissing, match=r"no\.such\.rule"):
        rules.resolve("no.such.rule", "village", date(2026, 1, 1))
    with pytest.raises(RuleMissing, match="1999-01-01"):
        rules.resolve("disclosure.min_display_days", "village", date(1999, 1, 1))


def test_a_county_tightens_for_itself_only(tmp_path: Path) -> None:
    rules = register(tmp_path, county=local("20"))
    name, kind = "disclosure.min_display_days", "village"
    assert rules.resolve(name, kind, date(2026, 3, 1), COUNTY).value == 20
    assert rules.resolve(name, kind, date(2026, 2, 28), COUNTY).value == 15
    assert rules.resolve(name, kind, date(2026, 3, 1)).value == 15
    assert rules.resolve(name, kind, date(2026, 3, 1), "990102000000").value == 15
    assert "本县" in rules.resolve(name, kind, date(2026, 3, 1), COUNTY).source()


@given(value=st.integers(0, 60))
def test_a_county_never_loosens_a_floor(tmp_path_factory: pytest.TempPathFactory, value: int) -> None:
    folder = tmp_path_factory.mktemp("rules")
    if value >= 15:
        assert register(folder, county=local(str(value)))
        return
    with pytest.raises(RuleError) as raised:
        register(folder, county=local(str(value)))
    error = raised.value
    assert error.file == "county.toml"
    assert error.rule_id == "disclosure.min_display_days"
    assert "第三十五条" in error.zh
    assert "比法律宽" in error.zh
    assert "looser" in error.en


@pytest.mark.parametrize(
    ("floor", "given_period", "refused"),
    [("quarter", "month", False), ("quarter", "quarter", False), ("quarter", "year", True), ("at_once", "month", True)],
)
def test_a_period_is_tightened_by_a_shorter_one(
    tmp_path: Path, floor: str, given_period: str, refused: bool
) -> None:
    law = FLOOR.replace("value = 15", f'value = "{floor}"').replace('"natural_day"', '"period"')
    county = local(f'"{given_period}"', unit='"period"')
    if refused:
        with pytest.raises(RuleError, match=PERIODS[floor]):
            register(tmp_path, law, county)
    else:
        found = register(tmp_path, law, county).resolve(
            "disclosure.min_display_days", "village", date(2026, 4, 1), COUNTY
        )
        assert found.value == given_period


def test_a_county_can_turn_neither_the_direction_nor_the_unit(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="比法律宽"):
        register(tmp_path, county=local("5", stricter='"lower"'))
    with pytest.raises(RuleError, match="另一种单位"):
        register(tmp_path, county=local("20", unit='"working_day"'))


def test_an_old_county_rule_is_caught_when_the_law_rises_above_it(tmp_path: Path) -> None:
    old = local("7", since="2024-01-01")
    with pytest.raises(RuleError, match="2026-01-01"):
        register(tmp_path, county=old)
    assert register(tmp_path, county=local("7", since="2024-01-01", until="2025-12-31"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unit_kinds": '["vilage"]'}, "unit_kinds"),
        ({"value": "true"}, "整数"),
        ({"value": '"15"'}, "整数"),
        ({"unit": '"day"'}, "natural_day"),
        ({"since": '"2026-03-01"'}, "日期"),
        ({"since": ""}, "since"),
        ({"until": "2020-01-01"}, "早于"),
        ({"title": '{ zh_CN = "只有中文" }'}, "两种文字"),
        ({"level": '"statutory_floor"'}, "依据"),
        ({"vaule": "3"}, "vaule"),
        ({"checked": '"yes"'}, "checked"),
        ({"version": "0"}, "version"),
    ],
)
def test_faults_in_a_file_name_file_rule_and_reason(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    with pytest.raises(RuleError, match=words) as raised:
        register(tmp_path, county=local(**change))
    assert raised.value.file == "county.toml"
    assert raised.value.en


def test_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"rules\.toml.*TOML"):
        register(tmp_path, "[[rules]\n")
    with pytest.raises(RuleError, match="读不出"):
        RuleRegister.load([tmp_path / "missing.toml"])


def test_a_statutory_rule_does_not_begin_before_its_law(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="起施行"):
        register(tmp_path, FLOOR.replace("since = 2026-01-01", "since = 2025-12-31"))


def test_two_entries_never_hold_at_once(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="until"):
        register(tmp_path, FLOOR + FLOOR.replace("value = 15", "value = 16"))


def test_the_digest_follows_content_not_order(tmp_path: Path) -> None:
    other = local("3", id='"question.reply_days"', unit='"natural_day"')
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    first = register(tmp_path / "a", FLOOR + other)
    second = register(tmp_path / "b", other + FLOOR)
    third = register(tmp_path / "c", FLOOR + other.replace("value = 3", "value = 4"))
    assert first.digest == second.digest
    assert first.digest != third.digest
    assert re.fullmatch("[0-9a-f]{64}", first.digest)


def test_days_only_where_the_rule_counts_days() -> None:
    rules = default_register()
    assert rules.resolve("party.review_days", "village", date(2026, 1, 1)).days == 3
    with pytest.raises(ValueError, match="period"):
        _ = rules.resolve("disclosure.general.frequency", "village", date(2026, 1, 1)).days
