"""Attachments: looked at on arrival, checked by a second person, downloads that can do no harm."""

from __future__ import annotations

import zipfile
from typing import Any

import pytest

from support.uploads import DOCX, PDF, PNG, XLSX, locked, send, zipped
from support.village import PASSWORD, SECTION, VILLAGE, Village, url

MACRO = zipped({"word/vbaProject.bin": b"x"}, base=DOCX)
BOMB = zipped({f"word/{n}": b"\0" * 30_000_000 for n in range(2)}, base=DOCX)
MANY = zipped({f"word/{n}": b"" for n in range(5001)}, base=DOCX)


def _files(village: Village, id: str) -> tuple[str, ...]:
    with village.reading() as site:
        found: tuple[str, ...] = site.units[VILLAGE].sections[SECTION].records[id].draft.attachments
        return found


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("决算.pdf", b"", "是空的|还没有选文件"),
        ("决算.exe", b"MZ" + b"\0" * 100, "不能公开"),
        ("决算.pdf", b"MZ" + b"\0" * 100, "不能公开"),
        ("决算.docx", PDF, "对不上"),
        ("决算.pdf", DOCX, "对不上"),
        ("决算", PDF, "对不上"),
        ("图.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "不能公开"),
        ("页.html", b"<script>alert(1)</script>", "不能公开"),
        ("压缩.zip", zipped({"a.txt": b"x"}), "不能放压缩包"),
        ("宏.docx", MACRO, "带有宏"),
        ("宏.docm", MACRO, "带有宏"),
        ("炸弹.docx", BOMB, "太大"),
        ("碎片.docx", MANY, "太大"),
        ("坏.docx", b"PK\x03\x04" + b"x" * 500, "打不开"),
        ("密.docx", locked(DOCX), "密码"),
        ("密.pdf", PDF + b"\ntrailer << /Encrypt 9 0 R >>", "密码"),
        ("程序.pdf", PDF + b"<< /S /JavaScript /JS (app.alert(1)) >>", "带有程序"),
        ("旧.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "打不开"),
        ("乱.txt", bytes(range(128, 256)) * 3 + b"\x81", "不能公开"),
        ("乱.csv", b"a" * 5000 + b"\0", "不能公开"),
        ("大.pdf", PDF + b" " * (20 * 1024 * 1024), "超过 20 MB"),
    ],
)
def test_a_file_that_may_not_be_attached(village: Village, name: str, data: bytes, told: str) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    page = send(clerk, clerk.get(url(id, "work")), name, data, status=422)
    words = page.words
    assert any(part in words for part in told.split("|")), words
    assert "请" in words or "可以" in words, "says what to do"
    assert _files(village, id) == ()
    assert not list((village.services.settings.home / "uploads").iterdir()), "nothing is left lying about"


@pytest.mark.parametrize(
    "name",
    ["决算\u202efdp.exe.pdf", "决\u200b算.pdf", ".pdf", "...", "长" * 255 + ".pdf", "a\tb.pdf", "\x07.pdf", "身份\ue000.pdf"],
)
def test_a_name_that_may_not_be_kept(village: Village, name: str) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    page = send(clerk, clerk.get(url(id, "work")), name, PDF, expect_errors=True)
    if page.status_int == 422:
        assert "文件" in page.words
        assert _files(village, id) == ()
    else:
        with village.reading() as site:
            record = site.units[VILLAGE].sections[SECTION].records[id]
            kept = record.attachments[record.draft.attachments[0]].filename
        assert kept.isprintable()
        assert len(kept) <= 120


@pytest.mark.parametrize("name", ["../../etc/passwd.pdf", "C:\\公开\\决算.pdf", "/tmp/x/决算.pdf", "..\\..\\决算.pdf"])
def test_folders_in_a_name_are_left_out(village: Village, name: str) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    send(clerk, clerk.get(url(id, "work")), name, PDF, status=303)
    with village.reading() as site:
        record = site.units[VILLAGE].sections[SECTION].records[id]
        kept = record.attachments[record.draft.attachments[0]].filename
    assert "/" not in kept
    assert "\\" not in kept
    assert ".." not in kept


def _raw(browser: Any, work: Any, disposition: bytes) -> Any:
    """A hand-made upload whose file name no browser would send."""
    token = work.form_with("upload")["csrf_token"].value.encode()
    body = (
        b'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n' + token + b"\r\n--b\r\n"
        b"Content-Disposition: form-data; " + disposition + b"\r\nContent-Type: application/pdf\r\n\r\n" + PDF + b"\r\n--b--\r\n"
    )
    path = work.form_with("upload").action
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    return browser.request(path, method="POST", body=body, headers=headers, expect_errors=True)


@pytest.mark.parametrize(
    "disposition",
    [
        b'name="upload"; filename="a\x00b.pdf"', b'name="upload"; filename="a\r\n Set-Cookie: x=1.pdf"', b'name="upload"; filename="\xff\xfe.pdf"',
        b'name="upload"; filename*=UTF-8\'\'%0d%0aSet-Cookie%3a%20x.pdf', b'name="upload"', b'name="other"; filename="a.pdf"',
        b'name="upload"; filename="a.pdf"; filename="b.exe"',
    ],
)
def test_a_name_that_is_no_name(village: Village, disposition: bytes) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    answer = _raw(clerk, clerk.get(url(id, "work")), disposition)
    assert answer.status_int in (303, 400, 422)
    for file in _files(village, id):
        headers = clerk.get(url(id, "files", file)).headers
        assert "Set-Cookie" not in headers
        assert "\r" not in headers["Content-Disposition"]
        assert "\x00" not in headers["Content-Disposition"]


def test_the_same_file_twice_and_sixty_at_most(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    work = clerk.get(url(id, "work"))
    send(clerk, work, "决算.pdf", PDF, status=303)
    send(clerk, work, "决算.pdf", PDF, status=303)
    assert len(_files(village, id)) == 1, "the same form twice is one upload"
    page = send(clerk, clerk.get(url(id, "work")), "另一个名字.pdf", PDF, status=409)
    assert "已经在附件里了" in page.words


def test_numbers_of_persons_in_a_file_name_stop_publication(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    send(clerk, clerk.get(url(id, "work")), "张三11010519491231002X.pdf", PDF, status=303)
    page = clerk.get(url(id, "work"))
    assert "文件名" in page.words
    page = clerk.act(page, "submit", status=422)
    assert "身份证" in page.words


def _clear(page: Any) -> Any:
    return next((f for f in page.forms.values() if f.action.endswith("/clear")), None)


def test_from_upload_to_download_and_gone(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    for name, data in (("二组决算（定稿）.pdf", PDF), ("决算.docx", DOCX), ("决算.xlsx", XLSX), ("图.png", PNG), ("说明.txt", "说明".encode("gb18030"))):
        send(clerk, clerk.get(url(id, "work")), name, data, status=303)
    page = clerk.get(url(id, "work"))
    assert _clear(page) is None, "not by who uploaded it"
    files = _files(village, id)
    token = page.form_with("upload")["csrf_token"].value
    refused = clerk.post(url(id, "files", files[0], "clear"), {"csrf_token": token}, status=403)
    assert "另一个人" in refused.words
    assert "还没有第二个人核对" in clerk.act(page, "submit", status=422).words

    helper = village.client("supervisor")
    assert "核对附件" in helper.get("/staff").words
    while (form := _clear(helper.get(url(id, "work")))) is not None:
        form.submit(status=303)
    page = clerk.act(clerk.get(url(id, "work")), "submit", status=200)
    for login in ("supervisor2", "supervisor3"):
        village.sign(id, login)
    resident = village.client()
    for file in files:
        resident.get(url(id, "files", file), status=404)
    approver = village.client("approver")
    approver.act(approver.get(url(id, "work")), "publish", status=200, password=PASSWORD)

    assert "二组决算（定稿）.pdf" in resident.get(url(id)).words
    answer = resident.get(url(id, "files", files[0]))
    assert answer.body == PDF
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    told = answer.headers["Content-Disposition"]
    assert told.startswith("attachment; ")
    assert "filename*=UTF-8''%E4%BA%8C%E7%BB%84%E5%86%B3%E7%AE%97" in told
    assert told.isascii()
    assert answer.content_type == "application/pdf"
    assert resident.get(url(id, "files", files[4])).content_type == "text/plain"
    other = village.published()
    resident.get(url(other, "files", files[0]), status=404)
    clerk.get(url(other, "files", files[0]), status=404)

    page = approver.get(url(id, "work"))
    approver.act(page, "withdraw", status=200, reason="wrong", note="附件传错了。", password=PASSWORD)
    gone = resident.get(url(id, "files", files[0]), status=410)
    assert "决算" not in gone.words
    assert village.client("supervisor").get(url(id, "files", files[0]), status=200).body == PDF
    resident.get(url(id, "files", "zzzzzz"), expect_errors=True)


def test_a_file_of_a_correction_is_not_public_before_the_correction_is(village: Village) -> None:
    id = village.published()
    village.move(id, "correct", "clerk", kind="substance", reason="补一个附件。")
    clerk = village.client("clerk")
    send(clerk, clerk.get(url(id, "work")), "补充.pdf", PDF, status=303)
    (file,) = _files(village, id)
    assert village.client().get(url(id), status=200)
    village.client().get(url(id, "files", file), status=404)
    assert "补充.pdf" not in village.client().get(url(id)).words


def test_the_bombs_of_these_tests_are_bombs() -> None:
    """The parts say how large they become; the files themselves are small."""
    import io

    with zipfile.ZipFile(io.BytesIO(BOMB)) as archive:
        assert sum(i.file_size for i in archive.infolist()) > 200 * len(BOMB)
