"""Uploads in pieces: any way of cutting and breaking them ends in the same bytes."""

from __future__ import annotations

import fcntl
import io
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiceng_cms.files.kinds import Unfit
from jiceng_cms.files.partial import Bounds, Elsewhere, NotThere, PartialUploads

NOW = datetime(2026, 9, 1, tzinfo=UTC)
SMALL = Bounds(plain=100, most=5000, piece=1000, own=8000, all=12_000)


class Breaks(io.RawIOBase):
    """A connection that breaks after so many bytes."""

    def __init__(self, data: bytes, after: int) -> None:
        self._data, self._left = io.BytesIO(data), after

    def read(self, size: int = -1) -> bytes:
        if self._left <= 0:
            raise ConnectionError
        data = self._data.read(min(size, self._left))
        self._left -= len(data)
        return data


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), max_size=8))
def test_cut_and_broken_anywhere_it_arrives_whole(data: bytes, pieces: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        uploads = PartialUploads(Path(folder), SMALL)
        coming = uploads.begin("p1", "record:a", "a.pdf", len(data), NOW)
        for length, breaks_after in pieces:
            at = uploads.offset(coming)
            piece = data[at : at + length]
            try:
                uploads.append(coming, at, Breaks(piece, breaks_after))
            except ConnectionError:
                assert uploads.offset(coming) == at + min(breaks_after, len(piece))
        while (at := uploads.offset(coming)) < len(data):
            uploads.append(coming, at, io.BytesIO(data[at : at + 1000]))
        assert uploads.take(coming).read_bytes() == data
        uploads.drop(coming)
        assert not list(Path(folder).iterdir())


@given(st.integers(-5, 3000), st.integers(0, 900))
@settings(max_examples=40, deadline=None)
def test_only_the_next_byte_is_taken(offset: int, arrived: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        uploads = PartialUploads(Path(folder), SMALL)
        coming = uploads.begin("p1", "record:a", "a.pdf", 3000, NOW)
        uploads.append(coming, 0, io.BytesIO(b"x" * arrived))
        if offset != arrived:
            with pytest.raises(Elsewhere) as told:
                uploads.append(coming, offset, io.BytesIO(b"y"))
            assert told.value.offset == arrived
            assert uploads.offset(coming) == arrived


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    uploads = PartialUploads(tmp_path, SMALL)
    coming = uploads.begin("p1", "record:a", "a.pdf", 10, NOW)
    with (tmp_path / f"{coming.id}.part").open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Elsewhere):
            uploads.append(coming, 0, io.BytesIO(b"x"))
    assert uploads.append(coming, 0, io.BytesIO(b"x")) == 1


@pytest.mark.parametrize("id", ["", "../../etc/passwd", "a" * 22, "a/b", "\0" * 22, "a" * 21 + "\n"])
def test_names_of_no_upload(tmp_path: Path, id: str) -> None:
    with pytest.raises(NotThere):
        PartialUploads(tmp_path, SMALL).find(id, "p1", "record:a")


def test_quota_is_a_persons_and_everybodys(tmp_path: Path) -> None:
    uploads = PartialUploads(tmp_path, SMALL)
    uploads.begin("p1", "record:a", "a.pdf", 5000, NOW)
    with pytest.raises(Unfit, match="没传完"):
        uploads.begin("p1", "record:b", "b.pdf", 4000, NOW)
    uploads.begin("p2", "record:b", "b.pdf", 5000, NOW)
    with pytest.raises(Unfit, match="放不下"):
        uploads.begin("p3", "record:b", "b.pdf", 3000, NOW)
    with pytest.raises(Unfit, match="超过"):
        uploads.begin("p3", "record:b", "b.pdf", 5001, NOW)


def test_a_slow_upload_is_kept_as_long_as_it_goes_on(tmp_path: Path) -> None:
    uploads = PartialUploads(tmp_path, SMALL)
    coming = uploads.begin("p1", "record:a", "a.pdf", 5000, NOW)
    (tmp_path / "tmpleft").write_bytes(b"of a process that was killed")
    old = (NOW - timedelta(hours=30)).timestamp()
    for path in tmp_path.iterdir():
        os.utime(path, (old, old))
    recent = (NOW - timedelta(hours=1)).timestamp()
    os.utime(tmp_path / f"{coming.id}.part", (recent, recent))
    assert uploads.sweep(NOW) == 1
    assert uploads.find(coming.id, "p1", "record:a") == coming
    assert uploads.sweep(NOW + timedelta(hours=24)) == 2
    with pytest.raises(NotThere):
        uploads.find(coming.id, "p1", "record:a")


def test_bounds_of_the_ini_file() -> None:
    told = Bounds.from_settings({"files.max_size": "1100", "files.max_plain": "5", "files.keep_hours": "2"})
    assert (told.most >> 20, told.plain >> 20, told.keep) == (1100, 5, timedelta(hours=2))
    assert told.own >= told.most
    assert Bounds.from_settings({}) == Bounds()
    assert Bounds.from_settings({"files.max_size": "1"}).plain == 1 << 20, "a form carries no more than pieces may"
