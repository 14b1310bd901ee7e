"""Codes of units (12 digits) and of organisations (统一社会信用代码), and numbers in Chinese.

A wrong check digit only warns: some codes that are printed on real certificates fail it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from stdnum.cn import uscc as _uscc

#: First two characters of a USCC that this field meets. 54, 55 and N1 to N3 are missing in most
#: lists on the net, though every committee and collective has one of them. Their meaning is
#: general knowledge, not read in an official text, so they only ever warn.
USCC_PREFIXES: dict[str, str] = {
    "11": "机关",
    "12": "事业单位",
    "51": "社会团体",
    "52": "民办非企业单位",
    "53": "基金会",
    "54": "村民委员会",
    "55": "居民委员会",
    "59": "民政部门登记的其他组织",
    "91": "企业",
    "92": "个体工商户",
    "93": "农民专业合作社",
    "N1": "组级农村集体经济组织",
    "N2": "村级农村集体经济组织",
    "N3": "乡镇级农村集体经济组织",
}
#: kind of unit -> the prefix that its committee's code should have
COMMITTEE_PREFIX = {"village": "54", "community": "55"}

_USCC_ALPHABET = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")
_DASHES = dict.fromkeys(map(ord, "-‐‑–—"))


@dataclass(frozen=True)
class CodeCheck:
    """What a check found: ``code`` in plain form, errors that refuse it, warnings that don't."""

    code: str
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the code may be used; warnings don't count."""
        return not self.errors


@dataclass(frozen=True)
class UnitCode:
    """The parts of a 12-digit code: county 6, township 3, committee 3 digits."""

    code: str
    county: str
    township: str
    committee: str

    @property
    def kind_hint(self) -> str | None:
        """The kind of unit that the digits suggest, or None.

        Customary ranges, not verified, and never the truth: a unit says itself what it is.
        """
        last, middle = int(self.committee), int(self.township)
        if last:
            if 1 <= last <= 199 or 400 <= last <= 499:
                return "community"
            if 200 <= last <= 399 or 500 <= last <= 599:
                return "village"
            return None
        if middle == 0:
            return "district"
        if middle <= 99:
            return "subdistrict"
        if middle <= 399:
            return "township"
        return None


def plain(text: str) -> str:
    """A code as typed in plain form: half width, upper case, no spaces, no dashes."""
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(folded.split()).translate(_DASHES)


def parse_unit_code(text: str) -> UnitCode:
    """The parts of a code; ValueError with the words of :func:`check_unit_code` if it is none."""
    checked = check_unit_code(text)
    if not checked.ok:
        raise ValueError(checked.errors[0])
    code = checked.code
    return UnitCode(code, code[:6], code[6:9], code[9:])


def check_unit_code(text: str, kind: str | None = None) -> CodeCheck:
    """Check a unit's 12-digit code; ``kind`` is what the unit says of itself."""
    code = plain(text)
    if not (code.isascii() and code.isdecimal()):
        return CodeCheck(code, ("区划代码只能是数字，请对照民政或统计部门的代码表改正。",))
    if len(code) != 12:
        return CodeCheck(code, (f"区划代码应为12位数字，现在是{len(code)}位，请核对有没有多写或漏写。",))
    if code[0] == "0":
        return CodeCheck(code, ("区划代码不会以 0 开头，请核对前6位（县、市、区的代码）。",))
    hint = UnitCode(code, code[:6], code[6:9], code[9:]).kind_hint
    names = {
        "village": "村",
        "community": "社区",
        "subdistrict": "街道",
        "township": "乡镇",
        "district": "区县",
    }
    if kind is not None and hint is not None and kind != hint:
        kind_name = names.get(kind, kind)
        return CodeCheck(
            code,
            warnings=(f"按编码习惯，{code} 像是{names[hint]}的代码，这里填的是{kind_name}。请核对一下；确实无误就不用改。",),
        )
    return CodeCheck(code)


def check_uscc(text: str, kind: str | None = None) -> CodeCheck:
    """Check a 统一社会信用代码 by GB 32100-2015; ``kind`` is the kind of unit that bears it."""
    code = plain(text)
    if len(code) != 18:
        return CodeCheck(code, (f"统一社会信用代码应为18位，现在是{len(code)}位，请对照证书核对。",))
    for position, character in enumerate(code, 1):
        if character not in _USCC_ALPHABET:
            hint = "（不用 I、O、Z、S、V，容易和 1、0、2、5、U 看混）" if character in "IOZSV" else ""
            return CodeCheck(code, (f"统一社会信用代码第{position}位不会是“{character}”{hint}，请对照证书核对。",))
    if not code[2:8].isdecimal():
        return CodeCheck(code, ("统一社会信用代码的第3到第8位是区划代码，只能是数字，请对照证书核对。",))
    warnings = []
    prefix = code[:2]
    wanted = COMMITTEE_PREFIX.get(kind or "")
    if prefix not in USCC_PREFIXES:
        warnings.append(f"开头的“{prefix}”不常见，请对照证书核对；确实无误就不用改。")
    elif wanted is not None and prefix != wanted:
        warnings.append(
            f"“{prefix}”开头一般是{USCC_PREFIXES[prefix]}，{USCC_PREFIXES[wanted]}一般是“{wanted}”开头。请核对一下；确实无误就不用改。"
        )
    if _uscc.calc_check_digit(code[:17]) != code[17]:
        warnings.append("最后一位校验码对不上，可能抄错了一位。请对照证书核对；证书上确实这样写就不用改。")
    return CodeCheck(code, warnings=tuple(warnings))


def chinese_number(number: int) -> str:
    """A number from 1 to 9999 as articles of law are counted: 35 -> 三十五."""
    if not 1 <= number <= 9999:
        raise ValueError(f"{number} is not between 1 and 9999")
    digits = "零一二三四五六七八九"
    words = ""
    for place, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // place % 10
        if digit:
            words += digits[digit] + unit
        elif words and number % place and not words.endswith("零"):
            words += "零"
    return words.removeprefix("一") if words.startswith("一十") else words
