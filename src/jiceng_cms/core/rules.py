"""The register of rules: each number of days, and whence it comes, by the law of the day.

A rule is data (``config/rules.toml``), never a constant in code: law, version, article, since
when, for which kinds of unit. A county's file may tighten a statutory floor, never loosen it.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources.abc import Traversable
from typing import Any, Literal, NoReturn

from .codes import chinese_number
from .commitments import canonical
from .units import UNIT_KINDS

RuleUnit = Literal["natural_day", "working_day", "count", "period"]
Level = Literal["statutory_floor", "local_default"]

#: Periods from the strictest to the loosest.
PERIODS: dict[str, str] = {
    "at_once": "随时",
    "month": "每月",
    "quarter": "每季度",
    "half_year": "每半年",
    "year": "每年",
}
_PERIODS_EN = {
    "at_once": "at once",
    "month": "every month",
    "quarter": "every quarter",
    "half_year": "every half year",
    "year": "every year",
}
_UNITS = ("natural_day", "working_day", "count", "period")
_LEVELS = ("statutory_floor", "local_default")
#: How far a rule was checked: R full text read, E an excerpt read, K general knowledge, not
#: verified, D our own suggestion. Whoever deploys confirms all of them.
_CHECKED = ("R", "E", "K", "D")
_KEYS = {
    "id", "version", "value", "unit", "unit_kinds", "basis", "level", "since", "until", "title",
    "stricter", "checked", "note",
}  # fmt: skip
_BASIS_KEYS = {"law", "version", "article", "in_force", "text"}
_FIRST_DAY, _LAST_DAY = date.min, date.max


class RuleError(Exception):
    """A rules file that can't be used: which file, which rule, why, in both languages."""

    def __init__(self, file: str, rule_id: str, zh: str, en: str) -> None:
        where = f"{file}，规则 {rule_id}" if rule_id else file
        super().__init__(f"{where}：{zh} / {en}")
        self.file = file
        self.rule_id = rule_id
        self.zh = zh
        self.en = en


class RuleMissing(LookupError):
    """No rule of this id holds for this kind of unit on this day."""

    def __init__(self, rule_id: str, unit_kind: str, on: date, county: str | None) -> None:
        kind = UNIT_KINDS[unit_kind][0] if unit_kind in UNIT_KINDS else unit_kind
        where = f"（{county}）" if county else ""
        super().__init__(
            f"规则表里没有 {on:%Y-%m-%d} 对{kind}{where}有效的规则 {rule_id}。请在 rules.toml 里补上。"
        )
        self.rule_id = rule_id


@dataclass(frozen=True)
class Basis:
    """The provision that a rule rests on; ``version`` is the day on which the text was passed."""

    law: str
    article: str = ""
    version: date | None = None
    in_force: date | None = None
    text: str = ""

    def citation(self, locale: str = "zh_CN") -> str:
        """``《…法》（2025年10月28日的文本）第三十五条``."""
        if locale == "en":
            article = f", art. {self.article}" if self.article else ""
            version = f", version of {self.version:%Y-%m-%d}" if self.version else ""
            return f"《{self.law}》{version}{article}"
        version = f"（{_day(self.version)}的文本）" if self.version else ""
        number = chinese_number(int(self.article)) if self.article.isdecimal() else self.article
        return f"《{self.law}》{version}" + (f"第{number}条" if self.article else "")


@dataclass(frozen=True)
class Rule:
    """One rule as it holds for some kinds of unit from ``since`` up to and with ``until``.

    ``value`` is a whole number of ``unit``, or a name in :data:`PERIODS` where the unit is
    ``period``. ``stricter`` says which way a county may move it. ``county`` is the 12-digit code
    of the county whose file set it, or None for the register of everyone.
    """

    id: str
    version: int
    value: int | str
    unit: RuleUnit
    unit_kinds: tuple[str, ...]
    level: Level
    since: date
    until: date | None
    title_zh: str
    title_en: str
    stricter: Literal["higher", "lower"]
    checked: str
    basis: Basis | None = None
    county: str | None = None
    note: str = ""

    @property
    def days(self) -> int:
        """The number of days; ValueError where the rule counts no days."""
        if self.unit not in ("natural_day", "working_day") or not isinstance(self.value, int):
            raise ValueError(f"rule {self.id} is in {self.unit}, it has no number of days")
        return self.value

    @property
    def digest(self) -> str:
        """SHA-256 in hex over everything that the rule says."""
        return hashlib.sha256(canonical(self.as_dict())).hexdigest()

    def holds(self, unit_kind: str, on: date) -> bool:
        """Whether it holds for that kind of unit on that day."""
        return unit_kind in self.unit_kinds and (
            self.since <= on and (self.until is None or on <= self.until)
        )

    def title(self, locale: str = "zh_CN") -> str:
        """What the rule is about, a few words."""
        return self.title_en if locale == "en" else self.title_zh

    def amount(self, locale: str = "zh_CN") -> str:
        """The value with its unit: ``15天``, ``5个工作日``, ``每季度``."""
        if isinstance(self.value, str):
            return _PERIODS_EN[self.value] if locale == "en" else PERIODS[self.value]
        words = {"natural_day": "天", "working_day": "个工作日", "count": "", "period": ""}
        if locale == "en":
            words = {"natural_day": " days", "working_day": " working days", "count": "", "period": ""}
        return f"{self.value}{words[self.unit]}"

    def source(self, locale: str = "zh_CN") -> str:
        """Whence it comes, a sentence: bound by law, after a model, or only set here."""
        english = locale == "en"
        where = ("the county" if english else "本县（市、区）") if self.county else ""
        if self.basis is None:
            if english:
                return f"Set by {where or 'this site'}; no law gives a number."
            return f"法律没有定具体数字，是{where or '本系统'}定的。"
        cited = self.basis.citation(locale)
        if self.level == "statutory_floor":
            return f"Required by {cited}." if english else f"依据{cited}。"
        if english:
            return f"Set by {where or 'this site'} after {cited}."
        return f"法律没有定具体数字，{where or '本系统'}参照{cited}定的。"

    def as_dict(self) -> dict[str, Any]:
        """JSON values, dates as ISO text; what the digests are taken over."""
        basis = None
        if self.basis is not None:
            basis = {
                "law": self.basis.law,
                "article": self.basis.article,
                "version": _iso(self.basis.version),
                "in_force": _iso(self.basis.in_force),
                "text": self.basis.text,
            }
        return {
            "id": self.id,
            "version": self.version,
            "value": self.value,
            "unit": self.unit,
            "unit_kinds": list(self.unit_kinds),
            "level": self.level,
            "since": self.since.isoformat(),
            "until": _iso(self.until),
            "title": {"zh_CN": self.title_zh, "en": self.title_en},
            "stricter": self.stricter,
            "checked": self.checked,
            "basis": basis,
            "county": self.county,
            "note": self.note,
        }


class RuleRegister:
    """All rules of a site, immutable once loaded."""

    def __init__(self, rules: Iterable[tuple[str, Rule]]) -> None:
        """``rules`` as (file name, rule); RuleError where two contradict each other."""
        found = list(rules)
        for index, (file, rule) in enumerate(found):
            for _, other in found[:index]:
                _refuse_doubles(file, rule, other)
        for file, rule in found:
            if rule.county is not None:
                for _, floor in found:
                    _refuse_looser(file, rule, floor)
        self._rules = tuple(rule for _, rule in found)
        self._by_id: dict[str, list[Rule]] = {}
        for rule in self._rules:
            self._by_id.setdefault(rule.id, []).append(rule)
        digests = sorted(rule.digest for rule in self._rules)
        #: SHA-256 in hex over the whole register; the order of files and rules does not matter.
        self.digest = hashlib.sha256("\n".join(digests).encode("ascii")).hexdigest()

    @classmethod
    def load(cls, paths: Iterable[Traversable]) -> RuleRegister:
        """Read TOML files; one with a ``county`` on top is that county's. RuleError names faults."""
        return cls([pair for path in paths for pair in _read(path)])

    def __iter__(self) -> Any:
        return iter(self._rules)

    def __contains__(self, rule_id: object) -> bool:
        return rule_id in self._by_id

    @property
    def ids(self) -> frozenset[str]:
        """Every id that a workflow file may name."""
        return frozenset(self._by_id)

    def resolve(self, rule_id: str, unit_kind: str, on: date, county: str | None = None) -> Rule:
        """The rule that holds for that kind of unit on that day, the county's before everyone's.

        RuleMissing where there is none: nothing is ever guessed.
        """
        everyones: Rule | None = None
        for rule in self._by_id.get(rule_id, ()):
            if rule.holds(unit_kind, on):
                if county is not None and rule.county == county:
                    return rule
                if rule.county is None:
                    everyones = rule
        if everyones is None:
            raise RuleMissing(rule_id, unit_kind, on, county)
        return everyones

    def floor(self, rule_id: str, unit_kind: str, on: date) -> Rule | None:
        """What the law demands at the least on that day, or None where it sets no number."""
        for rule in self._by_id.get(rule_id, ()):
            if rule.county is None and rule.level == "statutory_floor" and rule.holds(unit_kind, on):
                return rule
        return None


def default_register(extra: Iterable[Traversable] = ()) -> RuleRegister:
    """The register that comes with the software, and the county files given."""
    shipped = importlib.resources.files("jiceng_cms.default_config") / "rules.toml"
    return RuleRegister.load([shipped, *extra])


# -- reading --------------------------------------------------------------------------------


def _read(path: Traversable) -> list[tuple[str, Rule]]:
    file = path.name
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(file, "", "读不出这个文件，请确认它存在并且是 UTF-8 编码。", f"can't be read: {error}")
    except tomllib.TOMLDecodeError as error:
        raise RuleError(file, "", f"TOML 写法有错：{error}。", f"not valid TOML: {error}.")
    unknown = sorted(set(data) - {"county", "rules"})
    if unknown:
        _fail(file, "", f"不认识的项：{'、'.join(unknown)}。", f"unknown keys: {', '.join(unknown)}.")
    county = data.get("county")
    if county is not None and not (isinstance(county, str) and len(county) == 12 and county.isdecimal()):
        _fail(file, "", "county 要写县（市、区）的12位代码。", "county must be a 12-digit code.")
    entries = data.get("rules", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        _fail(file, "", "规则要写成 [[rules]] 段。", "rules must be written as [[rules]] tables.")
    return [(file, _Entry(file, entry).rule(county)) for entry in entries]


class _Entry:
    """One ``[[rules]]`` table on its way to a Rule."""

    def __init__(self, file: str, data: Mapping[str, Any]) -> None:
        self.file = file
        self.data = data
        given = data.get("id")
        self.id = given if isinstance(given, str) else ""

    def fail(self, zh: str, en: str) -> NoReturn:
        _fail(self.file, self.id, zh, en)

    def rule(self, county: str | None) -> Rule:
        if not self.id:
            self.fail("有一条规则没有 id。", "a rule has no id.")
        self.known_keys(self.data, _KEYS)
        unit = self.one_of("unit", _UNITS)
        value = self.data.get("value")
        if unit == "period":
            if value not in PERIODS:
                names = "、".join(PERIODS)
                self.fail(f"value 要写这几个之一：{names}。", f"value must be one of {', '.join(PERIODS)}.")
        elif type(value) is not int or value < 0:  # bool is an int in Python, not here
            self.fail("value 要写不小于 0 的整数。", "value must be a whole number, 0 or more.")
        kinds = self.data.get("unit_kinds")
        if not isinstance(kinds, list) or not kinds or not all(kind in UNIT_KINDS for kind in kinds):
            names = ", ".join(UNIT_KINDS)
            self.fail(f"unit_kinds 只能从这些里选：{names}。", f"unit_kinds must be some of {names}.")
        since = self.day("since")
        until = self.day("until")
        if since is None:
            self.fail("要写 since，从哪一天起有效。", "since is missing: from which day does it hold?")
        if until is not None and until < since:
            self.fail("until 早于 since。", "until lies before since.")
        version = self.data.get("version")
        if type(version) is not int or version < 1:
            self.fail("version 要写 1、2、3 这样的整数。", "version must be 1, 2, 3, ...")
        title = self.data.get("title")
        if not isinstance(title, dict) or set(title) != {"zh_CN", "en"} or not all(
            isinstance(text, str) and text.strip() for text in title.values()
        ):
            self.fail("title 要有 zh_CN 和 en 两种文字。", "title needs zh_CN and en.")
        level = self.one_of("level", _LEVELS)
        note = self.data.get("note", "")
        if not isinstance(note, str):
            self.fail("note 要写文字。", "note must be text.")
        return Rule(
            id=self.id,
            version=version,
            value=value,
            unit=unit,  # type: ignore[arg-type]
            unit_kinds=tuple(sorted(set(kinds))),
            level=level,  # type: ignore[arg-type]
            since=since,
            until=until,
            title_zh=title["zh_CN"],
            title_en=title["en"],
            stricter=self.one_of("stricter", ("higher", "lower")),  # type: ignore[arg-type]
            checked=self.one_of("checked", _CHECKED),
            basis=self.basis(level, since),
            county=county,
            note=note,
        )

    def basis(self, level: str, since: date) -> Basis | None:
        data = self.data.get("basis")
        if data is None:
            if level == "statutory_floor":
                self.fail("法定的规则要写依据 basis。", "a statutory floor needs a basis.")
            return None
        if not isinstance(data, dict):
            self.fail("basis 要写成 { law = …, article = … }。", "basis must be a table.")
        self.known_keys(data, _BASIS_KEYS)
        texts = {key: data.get(key, "") for key in ("law", "article", "text")}
        if not all(isinstance(text, str) for text in texts.values()) or not texts["law"]:
            self.fail("basis 里的 law、article、text 要写文字，law 不能空。", "law, article and text are texts, law is needed.")
        basis = Basis(version=self.day("version", data), in_force=self.day("in_force", data), **texts)
        if level == "statutory_floor":
            if not (basis.article and basis.version and basis.in_force):
                self.fail("法定的规则要写明法律的文本日期、第几条、施行日期。", "a statutory floor needs version, article and in_force.")
            if since < basis.in_force:
                self.fail(
                    f"这个文本 {basis.in_force} 起施行，规则不能从 {since} 起算。",
                    f"this text is in force from {basis.in_force}, the rule can't hold from {since}.",
                )
        return basis

    def day(self, key: str, data: Mapping[str, Any] | None = None) -> date | None:
        value = (self.data if data is None else data).get(key)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            self.fail(f"{key} 要写日期，如 2026-01-01，不加引号。", f"{key} must be a date such as 2026-01-01.")
        return value

    def one_of(self, key: str, names: tuple[str, ...]) -> str:
        value = self.data.get(key)
        if value not in names:
            self.fail(f"{key} 要写这几个之一：{'、'.join(names)}。", f"{key} must be one of {', '.join(names)}.")
        return str(value)

    def known_keys(self, data: Mapping[str, Any], known: set[str]) -> None:
        unknown = sorted(set(data) - known)
        if unknown:
            self.fail(f"不认识的项：{'、'.join(unknown)}。", f"unknown keys: {', '.join(unknown)}.")


def _fail(file: str, rule_id: str, zh: str, en: str) -> NoReturn:
    raise RuleError(file, rule_id, zh, en)


# -- contradictions -------------------------------------------------------------------------


def _overlap(one: Rule, other: Rule) -> bool:
    """Whether both hold for some kind of unit on some day."""
    if one.id != other.id or not set(one.unit_kinds) & set(other.unit_kinds):
        return False
    ends = (one.until or _LAST_DAY, other.until or _LAST_DAY)
    return max(one.since, other.since) <= min(ends)


def _refuse_doubles(file: str, rule: Rule, other: Rule) -> None:
    if rule.county == other.county and _overlap(rule, other):
        day = max(rule.since, other.since)
        _fail(
            file,
            rule.id,
            f"同一规则有两条同时有效（{day} 起）。请给旧的一条写上 until。",
            f"two entries hold at the same time from {day}; give the older one an until.",
        )


def _refuse_looser(file: str, rule: Rule, floor: Rule) -> None:
    if floor.county is not None or floor.level != "statutory_floor" or not _overlap(rule, floor):
        return
    if floor.basis is None:  # the reader has seen to it; the type does not say so
        return
    cited, cited_en = floor.basis.citation(), floor.basis.citation("en")
    if rule.unit != floor.unit:
        _fail(
            file,
            rule.id,
            f"法律按另一种单位算（{floor.amount()}，{cited}），不能改成{rule.amount()}。",
            f"the law counts otherwise ({floor.amount('en')}, {cited_en}); {rule.amount('en')} can't replace it.",
        )
    if _looser(rule, floor):
        day = max(rule.since, floor.since)
        _fail(
            file,
            rule.id,
            f"{cited}规定的是{floor.amount()}，本县（市、区）从 {day} 起写的是{rule.amount()}，比法律宽。"
            "地方只能定得更严：请改严，或者删掉这一条。",
            f"{cited_en} demands {floor.amount('en')}; {rule.amount('en')} from {day} is looser. "
            "A county may only tighten it: make it stricter or remove it.",
        )


def _looser(rule: Rule, floor: Rule) -> bool:
    """By the floor's own sense of strict: a county can't turn the direction round."""
    if floor.unit == "period":
        order = list(PERIODS)
        return order.index(str(rule.value)) > order.index(str(floor.value))
    one, least = int(rule.value), int(floor.value)
    return one < least if floor.stricter == "higher" else one > least


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
