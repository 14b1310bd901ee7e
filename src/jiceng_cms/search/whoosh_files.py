"""How the Whoosh engine reads and writes its segments: no-copy views, existence-only postings.

Whoosh 2.7.4 does the durable part (segments, the table of contents that is swapped atomically,
term tables, columns, the write lock). What it does slowly for our kind of index is replaced
here: its ``BufferFile`` copies every segment at each open, and its posting pool sorts a tuple
for each pair of term and document, where we only need to know that the term is there.
"""

from __future__ import annotations

import os
import threading
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3Segment
from whoosh.columns import VarBytesColumn
from whoosh.fields import COLUMN, FieldType, Schema
from whoosh.filedb.compound import CompoundStorage
from whoosh.filedb.filestore import FileStorage
from whoosh.filedb.structfile import BufferFile
from whoosh.formats import Existence
from whoosh.index import LockError
from whoosh.reading import TermNotFound
from whoosh.writing import SegmentWriter

from .analysis import FIELD_MARK, Term

#: Changes with whatever makes an index of an earlier program unfit; such an index is rebuilt.
FORMAT = 1

#: Posting fields: grams of the whole document, and of its title.
ALL, TITLE = "grams", "title"
#: Columns: facts for filters and order (JSON), marked text (UTF-8), what hits show (packed JSON).
META, TEXT, SHOWN = "meta", "text", "shown"

Ids = NDArray[np.int64]
_NO_IDS: Ids = np.empty(0, dtype=np.int64)


class Grams(FieldType):
    """A field of which only the existence of terms is kept."""

    indexed = True
    scorable = False

    def __init__(self) -> None:
        self.format = Existence()
        self.analyzer = None
        self.vector = None
        self.spelling = False
        self.stored = False
        self.unique = False
        self.column_type = None


class IndexSchema(Schema):
    """The fields, and with them the cursor: Whoosh writes the schema into the table of contents,
    so that documents and cursor become durable by one and the same rename."""

    def __init__(self, cursor: int = 0) -> None:
        super().__init__(
            **{
                ALL: Grams(),
                TITLE: Grams(),
                META: COLUMN(VarBytesColumn()),
                TEXT: COLUMN(VarBytesColumn()),
                SHOWN: COLUMN(VarBytesColumn()),
            }
        )
        self.cursor = cursor
        self.format_number = FORMAT


class _ViewReader:
    """A seekable file over a memory view, for the little that Whoosh reads in sequence."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._view)}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = len(self._view) if size is None or size < 0 else self._at + size
        piece = bytes(self._view[self._at : end])
        self._at += len(piece)
        return piece

    def readline(self) -> bytes:
        # Only the unpickler asks for this, and only for the text opcodes of protocol 0.
        rest = self.read()
        line, newline, _ = rest.partition(b"\n")
        self._at -= len(rest) - len(line) - len(newline)
        return line + newline


class ViewFile(BufferFile):
    """BufferFile without its copy of the whole buffer."""

    def __init__(self, view: memoryview, name: str | None = None) -> None:
        self._buf = view
        self._name = name
        self.file = _ViewReader(view)
        self.onclose = None
        self.is_real = False
        self.is_closed = False

    def subset(self, position: int, length: int, name: str | None = None) -> ViewFile:
        return ViewFile(self._buf[position : position + length], name=name or self._name)


class SegmentFiles(CompoundStorage):
    """The files of one segment, as views of one memory map."""

    def open_file(self, name: str, *args: Any, **kwargs: Any) -> ViewFile:
        offset, length = self.range(name)
        return ViewFile(memoryview(self._source)[offset : offset + length], name=name)


class Storage(FileStorage):
    """A folder whose commits survive a power cut: files reach the disk before they are named."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._unsynced: set[str] = set()
        self._opened: list[Any] = []

    def create_file(self, name: str, *args: Any, **kwargs: Any) -> Any:
        file = super().create_file(name, *args, **kwargs)
        self._unsynced.add(name)
        self._opened.append(file.raw_file())
        return file

    def temp_storage(self, name: str | None = None) -> FileStorage:
        storage = Storage(self._fpath(name or "MAIN.tmp"))
        storage._opened = self._opened
        return storage.create()

    def drop_opened(self) -> None:
        """Close what a failed commit left open. What it wrote is deleted by the next one."""
        for file in self._opened:
            try:
                file.close()
            except OSError:
                # Closing writes what is buffered, and the disk may still be full; the
                # descriptor is released all the same.
                pass
        self._opened.clear()

    def open_file(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if name.endswith(".toc"):
            # Whoosh leaves the file open where the table of contents turns out to be torn.
            with open(self._fpath(name), "rb") as file:
                return ViewFile(memoryview(file.read()), name=name)
        return super().open_file(name, *args, **kwargs)

    def rename_file(self, oldname: str, newname: str, safe: bool = False) -> None:
        # Whoosh renames one file per commit: the new table of contents into its place.
        for name in self._unsynced:
            path = self._fpath(name)
            if os.path.exists(path):
                self._sync(path)
        self._unsynced.clear()
        self._opened.clear()
        super().rename_file(oldname, newname, safe=safe)
        self._sync(self.folder)

    @staticmethod
    def _sync(path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sweep(self) -> None:
        """Delete half-written tables of contents that a killed process left behind."""
        for name in self.list():
            if ".toc." in name:
                self.delete_file(name)


class _TermWriter(W3FieldWriter):
    """Writes each posting list as one block: sets of document numbers come ready from the pool."""

    def add_postings(self, schema: Schema, lengths: Any, items: Iterable[tuple[str, Any]]) -> None:
        for fieldname, terms in items:
            self.start_field(fieldname, schema[fieldname])
            postings = self._postwriter
            for term, ids in terms:
                self.start_term(term)
                postings._ids = ids
                postings._weights = array("f", (1.0,)) * len(ids)
                postings._maxweight = 1.0
                self.finish_term()
            self.finish_field()


class Codec(W3Codec):
    """Whoosh's codec with our segment, our writer of terms, and uncompressed postings: most
    lists hold a document or two, and packing each would take most of the time of a commit."""

    length_stats = False

    def __init__(self) -> None:
        super().__init__(compression=0)

    def new_segment(self, storage: Any, indexname: str) -> Segment:
        return Segment(self, indexname)

    def field_writer(self, storage: Any, segment: Any) -> _TermWriter:
        return _TermWriter(self, storage, segment)


class Segment(W3Segment):
    """A segment that opens without copying."""

    def open_compound_file(self, storage: Any) -> SegmentFiles:
        file = storage.open_file(self.make_filename(self.COMPOUND_EXT))
        try:
            return SegmentFiles(file)
        except Exception:
            file.close()
            raise


class _Pool:
    """Collects, by field and term, the documents that have the term."""

    def __init__(self) -> None:
        self.fields: dict[str, defaultdict[str, array[int]]] = {
            ALL: defaultdict(lambda: array("I")),
            TITLE: defaultdict(lambda: array("I")),
        }

    def add(self, fieldname: str, terms: Iterable[str], docnum: int) -> None:
        lists = self.fields[fieldname]
        for term in terms:
            lists[term].append(docnum)

    def iter_postings(self) -> Iterator[tuple[str, list[tuple[bytes, array[int]]]]]:
        for fieldname in sorted(self.fields):
            lists = self.fields[fieldname]
            if lists:
                yield fieldname, sorted((term.encode(), ids) for term, ids in lists.items())

    def cleanup(self) -> None:
        self.fields.clear()


class Writer(SegmentWriter):
    """Adds documents that are already analysed."""

    def __init__(self, index: Any) -> None:
        self.is_closed = False
        self.writelock = None
        try:
            super().__init__(index, codec=Codec(), timeout=2.0, delay=0.02)
        except LockError:
            self.writelock = None  # never ours
            raise
        except BaseException:
            self.abandon(index.storage)
            raise
        self.pool = _Pool()

    def add(
        self, meta: bytes, text: bytes, shown: bytes, grams: Iterable[str], title: Iterable[str]
    ) -> None:
        """One document: its three columns, the grams of all of it and those of its title."""
        columns = self.perdocwriter
        columns.start_doc(self.docnum)
        for name, value in ((META, meta), (TEXT, text), (SHOWN, shown)):
            columns.add_column_value(name, self.schema[name].column_type, value)
        columns.finish_doc()
        self.pool.add(ALL, grams, self.docnum)
        self.pool.add(TITLE, title, self.docnum)
        self._added = True
        self.docnum += 1

    def finish(self, segments: list[Segment]) -> None:
        """Commit: ``segments`` of before go on, the others are gone, what was added is new."""
        self.commit(mergetype=lambda writer, before: segments)

    def abandon(self, storage: Storage) -> None:
        """Forget everything and let go of files and lock, in whatever state a failure left us."""
        if self.is_closed:
            return
        self.is_closed = True
        try:
            storage.drop_opened()
        finally:
            if self.writelock is not None:
                self.writelock.release()


class SegmentReader:
    """Reads one segment: columns by document number, postings as sorted arrays.

    Segments never change (deletions are kept outside, in the table of contents), so posting
    lists once decoded stay valid; they are kept up to a limit. Safe for many threads.
    """

    #: Document numbers kept decoded for one segment at most: 8 bytes each.
    KEPT_IDS = 500_000

    def __init__(self, storage: Storage, segment: Segment) -> None:
        self.id: str = segment.segment_id()
        self.size: int = segment.doc_count_all()
        self._codec = segment.codec()
        self._files = segment.open_compound_file(storage)
        self._terms = self._codec.terms_reader(self._files, segment)
        self._columns = {name: self._column(segment, name) for name in (META, TEXT, SHOWN)}
        self._text_view = self._columns[TEXT]._dbfile._buf
        lengths = np.array(self._columns[TEXT]._lengths, dtype=np.int64)
        self._text_ends: list[int] = np.cumsum(lengths).tolist()
        self._text_starts: list[int] = [0, *self._text_ends[:-1]]
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], Ids] = {}
        self._kept_ids = 0

    def _column(self, segment: Segment, name: str) -> Any:
        filename = W3Codec.column_filename(segment, name)
        length = self._files.file_length(filename)
        return VarBytesColumn().reader(self._files.open_file(filename), 0, length, self.size)

    def column(self, name: str) -> Iterator[bytes]:
        """All values of a column, by document number."""
        return iter(self._columns[name])

    def title_ends(self, lengths: Sequence[int]) -> list[int]:
        """Where titles of these lengths in bytes end, for ``titled``."""
        return [start + length for start, length in zip(self._text_starts, lengths, strict=True)]

    def value(self, name: str, docnum: int) -> bytes:
        """One value of a column."""
        return bytes(self._columns[name][docnum])

    def matching(self, terms: Sequence[Term]) -> Ids:
        """The documents whose text has all ``terms``, ascending; deleted ones included.

        Independent of filters, so turning pages and choosing filters asks nothing again.
        """
        return self._having(ALL, terms, self._text_ends)

    def titled(self, terms: Sequence[Term], title_ends: Sequence[int]) -> Ids:
        """As ``matching``, in the title alone: the first bytes of each text up to its end."""
        return self._having(TITLE, terms, title_ends)

    def _having(self, fieldname: str, terms: Sequence[Term], ends: Sequence[int]) -> Ids:
        # Begins with a mark, which no gram does: the same dict holds both.
        key = fieldname, FIELD_MARK.join(["", *(term.text for term in terms)])
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        ids = self._literal(terms, self._with_grams(fieldname, terms), ends)
        with self._lock:
            self._keep(key, ids)
        return ids

    def _with_grams(self, fieldname: str, terms: Sequence[Term]) -> Ids:
        left = np.ones(self.size, dtype=np.bool_)
        for gram in dict.fromkeys(gram for term in terms for gram in term.grams):
            mask = np.zeros(self.size, dtype=np.bool_)
            mask[self.postings(fieldname, gram)] = True
            left &= mask
            if not left.any():
                break
        return np.flatnonzero(left)

    def _literal(self, terms: Sequence[Term], ids: Ids, ends: Sequence[int]) -> Ids:
        # Longest first: the rarer it is, the sooner a document is out.
        needles = sorted((t.needle for t in terms if not t.exact), key=len, reverse=True)
        view, starts = self._text_view, self._text_starts
        for needle in needles:
            ids = np.array(
                [i for i in ids.tolist() if needle in bytes(view[starts[i] : ends[i]])],
                dtype=np.int64,
            )
        return ids

    def postings(self, fieldname: str, term: str) -> Ids:
        """The numbers of the documents that have ``term``, ascending; deleted ones included."""
        key = fieldname, term
        with self._lock:
            ids = self._kept.get(key)
            if ids is None:
                ids = self._decode(fieldname, term.encode())
                self._keep(key, ids)
            return ids

    def _keep(self, key: tuple[str, str], ids: Ids) -> None:
        # An empty answer takes room too: a flood of unknown words must not pile up.
        if self._kept_ids + len(ids) + 16 > self.KEPT_IDS:
            self._kept.clear()
            self._kept_ids = 0
        self._kept[key] = ids
        self._kept_ids += len(ids) + 16

    def forget(self) -> None:
        """Let go of all decoded lists."""
        with self._lock:
            self._kept.clear()
            self._kept_ids = 0

    def _decode(self, fieldname: str, term: bytes) -> Ids:
        try:
            info = self._terms.term_info(fieldname, term)
        except TermNotFound:
            return _NO_IDS
        matcher = self._codec.postings_reader(self._terms._postfile, info, Existence())
        # The whole list is one block of differences (``_TermWriter``).
        matcher._read_data()
        return np.cumsum(np.array(matcher._data[0], dtype=np.int64))
