"""Files in a real browser: a large one in pieces over a bad line, photos, pages read in place."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from jiceng_cms.ops.demo.files import make_pdf
from support.uploads import make_png
from support.village import SECTION, VILLAGE, url

from .conftest import Meet, Served

pytestmark = pytest.mark.browser


def files_of(site: Served, id: str) -> dict[str, int]:
    with site.village.reading() as found:
        record = found.units[VILLAGE].sections[SECTION].records[id]
        return {record.attachments[a].filename: record.attachments[a].size for a in record.draft.attachments}


def chosen(name: str, mime: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": mime, "buffer": data}


def test_a_large_file_over_a_line_that_breaks(served: Served, people: Meet) -> None:
    """The second piece is lost, then the page is closed; choosing the file again goes on."""
    id = served.village.draft()
    clerk = people(served)
    clerk.sign_in("clerk")
    page = clerk.open(url(id, "work"))
    data = make_pdf(["大决算"]) + b"%" * (21 << 20) + b"\n"
    began: list[str] = []
    broken: list[str] = []
    page.on("request", lambda request: began.append(request.url) if request.method == "POST" and request.url.endswith("/uploads") else None)

    def lose(route: Any) -> None:
        if route.request.method == "PATCH" and route.request.headers["upload-offset"] != "0" and not broken:
            broken.append(route.request.headers["upload-offset"])
            route.abort("aborted")
        else:
            route.continue_()

    page.route("**/uploads/**", lose)
    page.set_input_files("#upload", chosen("大决算.pdf", "application/pdf", data))
    page.get_by_role("button", name="上传这个文件").click()
    expect(page.get_by_text("连接断了，正在重试")).to_be_visible()
    page.wait_for_url("**/work#files", timeout=60_000)
    assert broken == [str(8 << 20)]
    assert len(began) == 1, "it went on and did not begin anew"
    assert files_of(served, id) == {"大决算.pdf": len(data)}


def test_photos_from_a_phone_and_their_pages(served: Served, people: Meet) -> None:
    id = served.village.draft()
    clerk = people(served, viewport={"width": 390, "height": 844})
    clerk.sign_in("clerk")
    page = clerk.open(url(id, "work"))
    page.set_input_files("#upload", [chosen(f"IMG_{n}.png", "image/png", make_png(300 + n, 400)) for n in range(3)])
    page.get_by_role("button", name="上传这个文件").click()
    page.get_by_role("link", name="IMG_0等3张照片.pdf", exact=True).click()
    page.wait_for_url("**/view")
    for picture in page.locator("img.leaf__picture").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") == 1100
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "no sideways scrolling"


def test_a_refusal_of_a_large_file_is_told_in_its_place(served: Served, people: Meet) -> None:
    id = served.village.draft()
    clerk = people(served)
    clerk.sign_in("clerk")
    page = clerk.open(url(id, "work"))
    clerk.expects = {422}
    page.set_input_files("#upload", chosen("假.pdf", "application/pdf", b"MZ" + b"\0" * (5 << 20)))
    page.get_by_role("button", name="上传这个文件").click()
    expect(page.get_by_role("alert").filter(has_text="这种文件不能公开")).to_be_visible()
    assert files_of(served, id) == {}
