"""Detectors for resident ID numbers, mobile numbers and bank cards.

Codes of units, credit codes, voucher numbers and sums look alike; what separates them is a
plausible birth date, a check digit, the issuer's first digits, and the words before the number.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection, Iterable, Iterator

from stdnum import luhn
from stdnum.cn import ric, uscc

from .digits import Candidate, Folded
from .findings import MASK, Certainty, Detector, Finding

#: Words before a number that tell what it is, looked for in so many characters.
_NEAR = 14
_ACCOUNT_WORDS = re.compile(r"账号|帐号|账户|帐户|卡号|银行|开户|一卡通|存折|社保卡|信用社|农商行|卡$|卡[:：]\s*$")
_ID_WORDS = re.compile(r"身份证|证件号|公民身份")
_OTHER_WORDS = re.compile(
    r"凭证|发票|票据|单号|订单|流水|编号|文号|合同|信用代码|区划|代码|注册号|登记号|许可证|批准|备案号|公安备|ICP|条码|批次",
    re.IGNORECASE,
)
#: Born in 1890 or later; a longer span would take codes with a year in them for ID numbers.
_FIRST_YEAR, _LAST_YEAR = 1890, 2099


def _finding(
    kind: str, field: str, candidate: Candidate, reason: str, certainty: Certainty
) -> Finding:
    return Finding(
        kind=kind,
        field=field,
        start=candidate.start,
        end=candidate.end,
        excerpt_masked=MASK * len(candidate.digits),
        reason=reason,
        certainty=certainty,
    )


class ResidentId:
    """身份证号: 18 places with check digit (GB 11643-1999), or the 15 of before 1999."""

    kind = "resident_id"

    def scan(self, field: str, text: str) -> Iterator[Finding]:
        """18 places whose check digit agrees are sure in any spacing; a wrong one asks."""
        folded = Folded(text)
        for found in folded.candidates((18, 15), with_x=True):
            digits = found.digits
            if len(digits) == 15:
                yield from self._old(field, folded, found)
            elif digits[0] != "0" and _is_birth_date(digits[6:14]):
                # stdnum's validate() also wants a known county; a typing error there leaks too.
                if digits[-1] == ric.calc_check_digit(digits):
                    yield _finding(
                        self.kind,
                        field,
                        found,
                        "这是一个身份证号（18位，校验码相符）。公开的内容里不能有身份证号，请整个删掉；"
                        "要区分同名的人，可以写村民小组。",
                        "sure",
                    )
                elif found.tidy and not found.broken and not found.letter_after:
                    yield _finding(
                        self.kind,
                        field,
                        found,
                        "这里像是一个身份证号，只是校验码对不上，可能抄错了一位。是身份证号就整个删掉；"
                        "是别的编号，请由另一个人核对确认。",
                        "asks",
                    )
        for place, digits in folded.windows(18):
            if _is_birth_date(digits[6:14]) and digits[-1] == ric.calc_check_digit(digits):
                yield _finding(
                    self.kind,
                    field,
                    folded.window(place, digits),
                    "这一长串数字里像是夹着一个身份证号（校验码相符）。是身份证号就整个删掉；"
                    "是别的编号，请由另一个人核对确认。",
                    "asks",
                )

    def _old(self, field: str, folded: Folded, found: Candidate) -> Iterator[Finding]:
        digits = found.digits
        if digits[-1] == "X" or digits[0] == "0" or found.broken or not found.tidy:
            return
        if found.letter_after or found.decimals or not _is_birth_date("19" + digits[6:12]):
            return
        near = folded.words_before(found.start, _NEAR)
        if found.letter_before or (_OTHER_WORDS.search(near) and not _ID_WORDS.search(near)):
            return
        yield _finding(
            self.kind,
            field,
            found,
            "这里像是一个老式的15位身份证号。是身份证号就整个删掉；是别的编号，请由另一个人核对确认。",
            "asks",
        )


class Mobile:
    """手机号: eleven digits from 13 to 19, also after +86; office numbers may be allowed."""

    kind = "mobile"

    def __init__(self, allowed: Collection[str] = ()) -> None:
        """``allowed``: numbers of offices that may be published, in any spacing."""
        self._allowed = frozenset(_last_eleven(number) for number in allowed)

    def scan(self, field: str, text: str) -> Iterator[Finding]:
        """Every mobile number that is not on the list."""
        folded = Folded(text)
        for found in folded.candidates((11, 12, 13, 15), most_groups=4):
            digits = found.digits
            # A prefix written apart leaves a candidate of eleven digits on its own.
            prefix = digits[:-11]
            if prefix not in ("", "0", "86", "0086") or (prefix and found.separated):
                continue
            number = digits[-11:]
            if number[0] != "1" or number[1] < "3" or number in self._allowed:
                continue
            if found.broken or found.decimals or not found.tidy:
                continue
            if found.letter_before and found.letter_after:
                continue  # inside a digest or another code of letters and digits
            yield _finding(
                self.kind,
                field,
                found,
                "这是一个手机号。个人的手机号不能公开，请整个删掉；办公电话要公开的，"
                "请先让管理员把它登记为办公号码。",
                "sure",
            )


class BankCard:
    """银行卡号、一卡通: 16 to 19 digits; Luhn's sum is a hint only, many cards fail it."""

    kind = "bank_card"

    def scan(self, field: str, text: str) -> Iterator[Finding]:
        """Cards by their first digits, their sum, and words like 账号 before them."""
        folded = Folded(text)
        for found in folded.candidates((16, 17, 18, 19), most_groups=5):
            if found.broken or found.decimals or found.letter_before or found.letter_after:
                continue
            certainty = self._judge(found, folded.words_before(found.start, _NEAR))
            if certainty == "sure":
                reason = "这是一个银行卡号。银行卡号、一卡通号不能公开，请整个删掉。"
            elif certainty == "asks":
                reason = (
                    "这里像是银行卡号或个人账号。是的话就整个删掉；"
                    "是单位对公账号或别的编号，请由另一个人核对确认。"
                )
            else:
                continue
            yield _finding(self.kind, field, found, reason, certainty)

    def _judge(self, found: Candidate, near: str) -> Certainty | None:
        digits = found.digits
        if found.separated:
            # Four sums in a row also have sixteen digits: apart, only the cards' own grouping.
            fours = all(size == 4 for size in found.shape[:-1]) and found.shape[-1] <= 4
            if not (fours or found.spelled or found.shape == (6, len(digits) - 6)):
                return None
        summed = luhn.is_valid(digits)
        unionpay = digits.startswith("62")
        issuer = unionpay or digits[0] in "3456" or digits.startswith(("955", "940"))
        account = _last_match(_ACCOUNT_WORDS, near)
        other = _last_match(_OTHER_WORDS, near)
        if found.separated and not (summed or unionpay or account > other):
            return None
        if len(digits) == 18 and uscc.is_valid(digits) and account <= other:
            return None  # a credit code may be all digits
        if issuer and summed and other <= account:
            return "sure"
        if account > other:
            return "asks"
        if unionpay or (issuer and summed):
            return "asks"
        # A card of another issuer without any word before it reads like any code.
        return "asks" if issuer and other < 0 and not found.separated else None


def _is_birth_date(digits: str) -> bool:
    """Whether eight digits are a day between 1890 and 2099."""
    if not digits.isdecimal():
        return False
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    if not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12):
        return False
    return 1 <= day <= calendar.monthrange(year, month)[1]


def _last_eleven(number: str) -> str:
    folded = Folded(number).text
    return "".join(character for character in folded if character.isdecimal())[-11:]


def _last_match(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match begins, -1 without one: the nearer word tells what a number is."""
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def default_detectors(allowed_numbers: Iterable[str] = ()) -> tuple[Detector, ...]:
    """The detectors of the first check, ``allowed_numbers`` being those of offices."""
    return (ResidentId(), BankCard(), Mobile(tuple(allowed_numbers)))
