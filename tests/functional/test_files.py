"""Files from the phone to the resident's screen: pieces, photos, reading in place, ranges."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from webtest import Upload

from jiceng_cms.ops.demo.files import make_pdf, make_xlsx
from support.uploads import PDF, PNG, send, zipped
from support.village import OTHER_VILLAGE, SECTION, VILLAGE, Village, open_village, url

ID_NUMBER = "11010519491231002X"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Village]:
    """A site whose limits are small: 1 MB in a form, 3 MB in pieces of 1 MB."""
    made = open_village(
        tmp_path / "home", **{"files.max_plain": "1", "files.max_size": "3", "files.piece": "1", "files.quota": "4"}
    )
    yield made
    made.close()


def photo(colour: str, size: tuple[int, int] = (300, 400), kind: str = "JPEG", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **more)
    return out.getvalue()


def record_of(site: Any, id: str) -> Any:
    return site.units[VILLAGE].sections[SECTION].records[id]


def only_file(village: Village, id: str) -> str:
    with village.reading() as site:
        record = record_of(site, id)
        (file,) = record.draft.attachments or tuple(f["id"] for f in record.edition().content()["attachments"])
        return str(file)


def publish_with(village: Village, name: str, data: bytes) -> tuple[str, str]:
    """(record, file) of a publication with one file."""
    id = village.draft()
    clerk = village.client("clerk")
    send(clerk, clerk.get(url(id, "work")), name, data, status=303)
    file = only_file(village, id)
    helper = village.client("approver")
    form = next(f for f in helper.get(url(id, "work")).forms.values() if f.action.endswith("/clear"))
    form.submit(status=303)
    village.move(id, "submit", "clerk")
    village.sign(id, "supervisor")
    village.sign(id, "supervisor2")
    village.move(id, "publish", "approver")
    village.catch_up()
    return id, file


# ------------------------------------------------------------------------------- pieces


def begin(browser: Any, id: str, name: str, size: int, **more: Any) -> Any:
    token = browser.get(url(id, "work")).form_with("upload")["csrf_token"].value
    browser.token = {"X-CSRF-Token": token}
    return browser.post(url(id, "uploads"), {"name": name, "size": str(size)}, headers=browser.token, **more)


def piece(browser: Any, place: str, offset: int, data: bytes, **more: Any) -> Any:
    headers = {**browser.token, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return browser.request(place, method="PATCH", body=data, headers=headers, **more)


def finish(browser: Any, id: str, *places: str, **more: Any) -> Any:
    """What the script does at the end: the form names the uploads instead of carrying files."""
    form = browser.get(url(id, "work")).form_with("upload")
    fields = [("csrf_token", form["csrf_token"].value), ("idempotency", form["idempotency"].value)]
    fields += [("uploaded", place.rpartition("/")[2]) for place in places]
    return browser.post(form.action, fields, **more)


def test_a_large_file_comes_in_pieces_and_goes_on_after_a_break(small: Village) -> None:
    id = small.draft()
    clerk = small.client("clerk")
    mib = 1 << 20
    data = make_pdf(["大决算"]) + b"\n" + b"%" * (2 * mib) + b"\n"
    page = send(clerk, clerk.get(url(id, "work")), "大.pdf", data, status=422)
    assert "超过 1 MB" in page.words

    begun = begin(clerk, id, "大.pdf", len(data), status=201)
    place = begun.headers["Location"]
    assert begun.headers["Upload-Offset"] == "0"
    assert begun.headers["Upload-Piece"] == str(mib)
    piece(clerk, place, 0, data[:mib], status=204)
    # the answer to the second piece was lost: the browser sends it again, and asks
    assert piece(clerk, place, mib, data[mib : 2 * mib], status=204).headers["Upload-Offset"] == str(2 * mib)
    late = piece(clerk, place, mib, data[mib : 2 * mib], status=409)
    assert late.headers["Upload-Offset"] == str(2 * mib)
    told = clerk.head(place, headers=clerk.token, status=200)
    assert told.headers["Upload-Offset"] == str(2 * mib)
    assert told.headers["Upload-Length"] == str(len(data))
    assert "还没有传完" in finish(clerk, id, place, status=422).words
    piece(clerk, place, 2 * mib, data[2 * mib :], status=204)
    finish(clerk, id, place, status=303)
    file = only_file(small, id)
    assert clerk.get(url(id, "files", file)).body == data
    clerk.head(place, headers=clerk.token, status=404)
    assert not list((small.services.settings.home / "uploads").iterdir())


def test_an_upload_is_its_owners_and_of_its_record(small: Village) -> None:
    id, other = small.draft(), small.draft()
    clerk = small.client("clerk")
    place = begin(clerk, id, "a.pdf", len(PDF), status=201).headers["Location"]
    stranger = small.client("clerk2")
    begin(stranger, id, "b.pdf", 10, status=201)
    piece(stranger, place, 0, PDF, status=404)
    stranger.head(place, status=404)
    assert "不在服务器上" in finish(stranger, id, place, status=422).words
    piece(clerk, place.replace(id, other), 0, PDF, status=404)
    piece(clerk, place, 0, PDF, status=204)
    assert "不在服务器上" in finish(clerk, other, place, status=422).words
    finish(clerk, id, place, status=303)
    resident = small.client()
    resident.head(place, expect_errors=True)
    reader = small.client("supervisor")
    reader.token = clerk.token
    assert reader.post(url(id, "uploads"), {"name": "a.pdf", "size": "1"}, headers=clerk.token, expect_errors=True).status_int in (403, 404)


@pytest.mark.parametrize("token", [{}, {"X-CSRF-Token": "0" * 64}])
def test_a_piece_needs_the_token_of_the_form(small: Village, token: dict[str, str]) -> None:
    id = small.draft()
    clerk = small.client("clerk")
    place = begin(clerk, id, "a.pdf", len(PDF), status=201).headers["Location"]
    clerk.token = token
    assert piece(clerk, place, 0, PDF, expect_errors=True).status_int in (403, 400)
    clerk.delete(place, headers=token, expect_errors=True)
    begin(clerk, id, "b.pdf", 10)
    assert clerk.head(place, status=200).headers["Upload-Offset"] == "0"


def test_bounds_of_size_and_quota(small: Village) -> None:
    id = small.draft()
    clerk = small.client("clerk")
    assert "超过 3 MB" in begin(clerk, id, "a.pdf", (3 << 20) + 1, status=413).text
    place = begin(clerk, id, "a.pdf", 3 << 20, status=201).headers["Location"]
    assert "没传完" in begin(clerk, id, "b.pdf", (1 << 20) + 1, status=413).text
    assert "比说好的多" in piece(clerk, place, 0, b"x" * ((1 << 20) + 1), status=413).text
    assert clerk.head(place).headers["Upload-Offset"] == "0", "nothing of a piece that is too long"
    clerk.delete(place, headers=clerk.token, status=204)
    place = begin(clerk, id, "b.pdf", 5, status=201).headers["Location"]
    piece(clerk, place, 0, b"123456", status=413)
    for size in ("", "-1", "1e3", "٣", "9" * 30):
        assert clerk.post(url(id, "uploads"), {"name": "a.pdf", "size": size}, headers=clerk.token, status="*").status_int == 400
    assert begin(clerk, id, "a.pdf", 0, status=413)
    piece(clerk, place, 0, b"", status=204)
    headers = {**clerk.token, "Upload-Offset": "x", "Content-Type": "application/offset+octet-stream"}
    clerk.request(place, method="PATCH", body=b"12", headers=headers, status=400)
    clerk.request(place, method="PATCH", body=b"12", headers={**clerk.token, "Upload-Offset": "0"}, status=415)


def test_what_is_not_finished_goes_after_a_day(small: Village) -> None:
    import os

    id = small.draft()
    clerk = small.client("clerk")
    place = begin(clerk, id, "a.pdf", 3 << 20, status=201).headers["Location"]
    folder = small.services.settings.home / "uploads"
    before = (small.clock.now() - timedelta(hours=25)).timestamp()
    for path in folder.iterdir():
        os.utime(path, (before, before))
    begin(clerk, id, "b.pdf", 3 << 20, status=201)
    clerk.head(place, headers=clerk.token, status=404)
    assert len(list(folder.iterdir())) == 2


# ------------------------------------------------------------------------------- several files


def test_several_photos_make_one_pdf(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    work = clerk.get(url(id, "work"))
    form = work.form_with("upload")
    form["upload"] = [
        Upload("IMG_1.jpg", photo("red", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")),
        Upload("IMG_2.png", photo("green", kind="PNG")),
        Upload("说明.txt", "验收照片".encode()),
        Upload("IMG_3.jpg", photo("blue", (400, 300))),
    ]
    form.submit(status=303)
    form.submit(status=303)  # the same form twice makes nothing twice
    with village.reading() as site:
        record = record_of(site, id)
        names = {record.attachments[a].filename: (a, record.attachments[a].media_type) for a in record.draft.attachments}
    assert set(names) == {"说明.txt", "IMG_1等3张照片.pdf"}
    file, media_type = names["IMG_1等3张照片.pdf"]
    assert media_type == "application/pdf"
    assert clerk.get(url(id, "files", file)).body.startswith(b"%PDF-")
    page = clerk.get(url(id, "files", file, "view"))
    assert page.text.count('class="leaf"') == 3
    picture = clerk.get(url(id, "files", file, "page", "2"))
    shown = Image.open(io.BytesIO(picture.body))
    red, green, _ = shown.convert("RGB").getpixel((shown.width // 2, shown.height // 2))
    assert green > 100 > red


def test_heic_of_a_phone(village: Village) -> None:
    import pillow_heif

    out = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (320, 240), "blue")).save(out)
    id, file = publish_with(village, "IMG_7.HEIC", out.getvalue())
    resident = village.client()
    assert resident.get(url(id, "files", file)).content_type == "image/heic"
    picture = resident.get(url(id, "files", file, "page", "1"))
    assert picture.content_type == "image/webp"
    assert Image.open(io.BytesIO(picture.body)).size == (320, 240)


def test_a_photo_in_place_tells_nothing_of_where_it_was_taken(village: Village) -> None:
    exif = Image.Exif()
    exif[0x010F] = "相机名".encode().decode("latin-1")
    exif.get_ifd(0x8825)[1] = "N"
    id, file = publish_with(village, "现场.jpg", photo("red", exif=exif.tobytes()))
    picture = Image.open(io.BytesIO(village.client().get(url(id, "files", file, "page", "1")).body))
    assert not picture.getexif()


# ------------------------------------------------------------------------------- reading


def test_reading_in_place_and_finding_by_what_stands_in_the_file(village: Village) -> None:
    id, file = publish_with(village, "决算.pdf", make_pdf(["砂石料由亓家湾采石场供应"] + ["一行"] * 60))
    resident = village.client()
    page = resident.get(url(id))
    assert url(id, "files", file, "view") in page.text
    page = resident.get(url(id, "files", file, "view"))
    assert "砂石料由亓家湾采石场供应" in page.words
    assert page.text.count('class="leaf"') == 2
    assert 'og:title" content="二组水渠维修"' in page.text
    assert 'og:description" content="石桥村"' in page.text
    first = resident.get(url(id, "files", file, "page", "1"))
    assert Image.open(io.BytesIO(first.body)).width == 1100
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert resident.get(url(id, "files", file, "page", "1"), headers={"If-None-Match": first.headers["ETag"]}).status_int == 304
    for number in ("0", "3", "01", "51", "x", "-1", "1/2", "%D9%A3", ""):
        resident.get(url(id, "files", file, "page", number), status=404)
    assert url(id) in resident.get("/search", {"q": "亓家湾采石场".encode()}).text


def test_tables_are_tables(village: Village) -> None:
    rows = [["项目", "金额"], *([f"第{n}笔", str(n)] for n in range(700))]
    id, file = publish_with(village, "明细.xlsx", make_xlsx(rows))
    page = village.client().get(url(id, "files", file, "view"))
    assert "工作表“明细”" in page.words
    assert "第499笔" in page.words
    assert "后面还有 200 行" in page.words
    assert "第650笔" not in page.words
    village.client().get(url(id, "files", file, "page", "1"), status=404)
    assert page.html.find("table") is not None


def test_who_may_not_see_the_file_sees_nothing_of_it(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    send(clerk, clerk.get(url(id, "work")), "决算.pdf", PDF, status=303)
    file = only_file(village, id)
    assert "二组水渠维修决算" in clerk.get(url(id, "files", file, "view")).words
    clerk.get(url(id, "files", file, "page", "1"), status=200)  # now it lies in the cache
    resident = village.client()
    for tail in ((), ("view",), ("page", "1")):
        resident.get(url(id, "files", file, *tail), status=404)
        clerk.get(url(id, "files", file, *tail, unit=OTHER_VILLAGE), status=404)


def test_a_withdrawn_file_is_gone_in_every_form(village: Village) -> None:
    id, file = publish_with(village, "决算.pdf", PDF)
    resident = village.client()
    etag = resident.get(url(id, "files", file, "page", "1")).headers["ETag"]
    village.move(id, "withdraw", "approver", reason="wrong", note="附件传错了。")
    village.catch_up()
    for tail in ((), ("view",), ("page", "1")):
        page = resident.get(url(id, "files", file, *tail), headers={"If-None-Match": etag}, status=410)
        assert "水渠维修决算" not in page.words
    assert url(id) not in resident.get("/search", {"q": "水渠维修决算".encode()}).text


def test_numbers_of_persons_in_a_file_stop_publication_by_file_and_page(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    send(clerk, clerk.get(url(id, "work")), "名单.pdf", make_pdf(["一行"] * 45 + [f"张三 {ID_NUMBER}"]), status=303)
    send(clerk, clerk.get(url(id, "work")), "名单.xlsx", make_xlsx([["姓名", "号码"], ["李四", ID_NUMBER]]), status=303)
    page = clerk.get(url(id, "work"))
    assert "附件“名单.pdf”第2页：" in page.words
    assert "附件“名单.xlsx”工作表“明细”第2行：" in page.words
    page = clerk.act(page, "submit", status=422)
    assert ID_NUMBER not in page.text
    assert "身份证" in page.words


def test_a_file_without_text_says_so(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    send(clerk, clerk.get(url(id, "work")), "现场.png", PNG, status=303)
    assert "没有办法自动检查" in clerk.get(url(id, "work")).words


def test_a_removed_file_takes_its_text_along(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    send(clerk, clerk.get(url(id, "work")), "名单.txt", f"张三 {ID_NUMBER}".encode(), status=303)
    page = clerk.get(url(id, "work"))
    assert "附件“名单.txt”" in page.words
    next(f for f in page.forms.values() if f.action.endswith("/remove")).submit(status=303)
    assert "名单.txt" not in clerk.get(url(id, "work")).words
    with village.reading() as site:
        assert not record_of(site, id).texts


# ------------------------------------------------------------------------------- downloads


def test_ranges_conditions_and_head(village: Village) -> None:
    data = "一二三四五六七八九十".encode() * 9000
    id, file = publish_with(village, "长.txt", data)
    resident = village.client()
    place = url(id, "files", file)
    whole = resident.get(place)
    etag = whole.headers["ETag"]
    assert whole.body == data
    assert whole.headers["Accept-Ranges"] == "bytes"
    import hashlib

    assert hashlib.sha256(data).hexdigest()[:16] not in str(whole.headers), "no bare digest"
    size = len(data)
    for asked, first, last in (
        ("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=-7", size - 7, size - 1),
        (f"bytes={size - 1}-", size - 1, size - 1), (f"bytes=5-{size + 99}", 5, size - 1), (f"bytes=-{size * 2}", 0, size - 1),
    ):  # fmt: skip
        part = resident.get(place, headers={"Range": asked}, status=206)
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert part.body == data[first : last + 1]
        assert part.headers["ETag"] == etag
    for asked in (f"bytes={size}-", "bytes=-0", f"bytes={10 ** 17}-"):
        refused = resident.get(place, headers={"Range": asked}, status=416)
        assert refused.headers["Content-Range"] == f"bytes */{size}"
        assert refused.body == b""
    for asked in ("bytes=5-2", "bytes=0-1,5-6", "lines=1-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=" + "9" * 40 + "-"):
        assert resident.get(place, headers={"Range": asked}, status=200).body == data
    assert resident.get(place, headers={"Range": "bytes=0-3", "If-Range": etag}, status=206)
    assert resident.get(place, headers={"Range": "bytes=0-3", "If-Range": '"older"'}, status=200).body == data
    assert resident.get(place, headers={"If-None-Match": etag}, status=304).body == b""
    head = resident.head(place, headers={"Range": "bytes=0-3"}, status=200)
    assert head.headers["Content-Length"] == str(size)
    assert head.body == b""


def test_the_same_content_elsewhere_has_another_etag(village: Village) -> None:
    one, first = publish_with(village, "甲.txt", b"same")
    two, second = publish_with(village, "甲.txt", b"same")
    resident = village.client()
    assert resident.get(url(one, "files", first)).headers["ETag"] != resident.get(url(two, "files", second)).headers["ETag"]


def test_a_lost_file_does_not_take_the_page_down(village: Village) -> None:
    id, file = publish_with(village, "决算.pdf", PDF)
    for path in (village.services.settings.home / "blobs").rglob("*.blob"):
        path.unlink()
    resident = village.client()
    resident.get(url(id), status=200)
    resident.get(url(id, "files", file), status=404)
    resident.get(url(id, "files", file, "page", "1"), status=404)


def test_nothing_within_an_archive_is_attached(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    assert "压缩包" in send(clerk, clerk.get(url(id, "work")), "全部.zip", zipped({"a.pdf": PDF}), status=422).words
