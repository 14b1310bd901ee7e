"""Every public page in English and in Chinese: each reads in one language, content as it was written."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import quote

import pytest

from support.village import DISCLOSURE, TOWNSHIP, VILLAGE, Village, url

#: What people wrote: never translated. Some in pieces, as a comparison of editions shows it.
CONTENT = (
    *DISCLOSURE["basis"], *DISCLOSURE["summary"].splitlines(), DISCLOSURE["title"], DISCLOSURE["body"], DISCLOSURE["due_basis"],
    "金额写少了。", "一共花了三千二百元。", "一共花了三千", "二百", "元。", "金额抄错了，核对以后重新公布。", "青禾区基层公开", "村部一楼", "村部门口的意见箱",
    "周一至周五 8:30-17:30", "石桥村", "杨树洼村", "柳荫社区", "柳溪镇", "监督委员会", "村民委员会", "党支部委员会",
    "副主任", "主任", "委员", "书记", "李审批", "王书记", "亓彧翀", "孙监督", "钱监督", "水渠", "路灯", "路", "不存在的话",
)  # fmt: skip
#: Chinese that English pages show on purpose, and English on Chinese ones.
KEPT = ("中文", "修路")
LATIN = ("English", "PDF", "KB", "MB", "SHA-256", "Ed25519", "tlog-tiles", "tlog-checkpoint", "signed-note", "/log/", "sqc", "A4", "A3")


def read_out(page: Any) -> str:
    """What is shown and spoken: text, and the attributes that are read out."""
    source = re.sub(r"(?s)<(script|style)\b.*?</\1>|<!--.*?-->", " ", page.text)
    source = re.sub(r"</?mark>", "", source)  # what search found stands inside a sentence
    spoken = " ".join(re.findall(r'\s(?:alt|aria-label|placeholder|title)="([^"]*)"', source))
    return html.unescape(re.sub(r"<[^>]*>", " ", source) + " " + spoken)


def left_over(text: str, known: tuple[str, ...], pattern: str) -> list[str]:
    for words in sorted(known, key=len, reverse=True):
        text = text.replace(words, " ")
    return re.findall(pattern, text)


@pytest.fixture
def addresses(village: Village) -> dict[str, int]:
    """Public pages of every sort -> status; a published, a corrected and a withdrawn record."""
    published = village.published()
    corrected = village.published(title="路灯", due_date="2026-08-20")
    village.clock.advance(days=4)
    village.move(corrected, "correct", "clerk", kind="substance", reason="金额写少了。")
    village.edit(corrected, summary="修了二组的水渠。\n一共花了三千二百元。")
    village.move(corrected, "submit", "clerk")
    village.sign(corrected, "supervisor", "reserve", "金额写少了。")
    village.sign(corrected, "supervisor2")
    village.move(corrected, "publish", "approver")
    withdrawn = village.published()
    village.move(withdrawn, "withdraw", "approver", reason="wrong", note="金额抄错了，核对以后重新公布。")
    village.catch_up()
    return {
        "/": 200,
        "/units": 200,
        "/units?q=不存在的话": 200,
        "/verify": 200,
        "/privacy": 200,
        "/search?q=水渠": 200,
        "/search?q=不存在的话": 200,
        "/search": 200,
        f"/search?unit={VILLAGE}&q=水渠": 200,
        "/search?q=" + "路" * 3000: 400,
        "/nowhere": 404,
        "/login": 200,
        f"/u/{VILLAGE}/": 200,
        f"/u/{TOWNSHIP}/": 200,
        f"/u/{VILLAGE}/disclosures/": 200,
        f"/u/{VILLAGE}/disclosures/?kind=affairs&year=2026&mark=late": 200,
        f"/u/{VILLAGE}/disclosures/?kind=party": 200,
        url(published): 200,
        url(corrected): 200,
        url(corrected, "editions", "1"): 200,
        url(corrected, "editions", "2", "difference"): 200,
        url(corrected, "editions", "2", "difference") + "?view=one": 200,
        url(withdrawn): 410,
    }


def test_english_pages_hold_no_chinese_but_content(village: Village, addresses: dict[str, int]) -> None:
    browser = village.client()
    browser.get("/language", {"to": "en", "next": "/"}, status=303)
    for path, status in addresses.items():
        page = browser.get(quote(path, safe="/?&="), status=status)
        assert '<html lang="en"' in page.text, path
        rest = left_over(read_out(page), (*CONTENT, *KEPT), "[\u3001-\u303f\u3400-\u9fff\uff00-\uffef]+")
        assert not rest, path


def test_chinese_pages_hold_no_english(village: Village, addresses: dict[str, int]) -> None:
    browser = village.client()
    for path, status in addresses.items():
        page = browser.get(quote(path, safe="/?&="), status=status)
        assert '<html lang="zh-CN"' in page.text, path
        rest = left_over(read_out(page), LATIN, r"[A-Za-z]{3,}")
        # log names, keys and fingerprints stand alone in elements of their own
        shown = " ".join(re.findall(r'class="proof__code">([^<]*)<', page.text))
        # taken apart like the page: by chance a fingerprint holds "KB" or "A4"
        codes = set(left_over(html.unescape(shown), LATIN, r"[A-Za-z]{3,}"))
        assert not [w for w in rest if w not in codes], path


def test_the_language_is_chosen_in_its_own_words_and_comes_back(village: Village) -> None:
    browser = village.client()
    page = browser.get(f"/u/{VILLAGE}/")
    page = page.click("English").follow()
    assert page.request.path == f"/u/{VILLAGE}/"
    assert "Whom to ask about what" in page.words
    assert "石桥村" in page.words, "a name is not translated"
    page = page.click("中文").follow()
    assert "什么事问谁" in page.words


def test_english_dates_and_marks(village: Village) -> None:
    id = village.published()
    village.catch_up()
    browser = village.client()
    browser.get("/language", {"to": "en"}, status=303)
    words = browser.get(url(id)).words
    assert "Published on 1 September 2026" in words
    assert "Published today, on display for 15 days" in words
    assert "Of 3 members: 2 agreed" in words


def test_a_sheet_for_the_wall_stays_chinese(village: Village) -> None:
    id = village.published()
    browser = village.client()
    browser.get("/language", {"to": "en"}, status=303)
    page = browser.get(url(id, "print"))
    assert '<html lang="zh-CN"' in page.text
    assert "2026年9月1日公布" in page.words
    assert not left_over(page.words, (*LATIN, "demo"), r"\b[A-Z][a-z]{3,}")
