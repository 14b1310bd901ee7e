"""Receives files: from a form or in pieces, looked at before anything keeps them.

One :class:`FileDesk` serves an application (``registry.files``). It holds no file in memory: what
arrives lies in ``$JICENG_HOME/uploads`` until the commit that keeps it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..core.drafting import IncomingFile
from ..core.errors import Invalid, NotNow
from ..core.records import Attachment
from ..core.text import TextRefused, clean_name
from ..files import kinds
from ..files.kinds import KINDS, LISTED, Unfit
from ..files.partial import Bounds, Coming, NotThere, PartialUploads, too_large
from ..files.pictures import Pictures
from ..files.sandbox import Busy, Limits, Sandbox
from ..locale import say
from .services import Settings

#: The greatest size of one file in a form, in bytes, where no setting says otherwise.
MAX_SIZE = Bounds.plain
#: Files that one form may carry.
MAX_FILES = 30

ACCEPT = kinds.ACCEPT

_PICTURES = (kinds.JPEG, kinds.PNG, kinds.HEIC)


def _refuse(text: str) -> Invalid:
    return Invalid(text, fields={"upload": text})


@dataclass(frozen=True)
class _Arrived:
    """A file on our disk that nobody has looked at yet."""

    path: Path
    name: str
    coming: Coming | None = None


class FileDesk:
    """Everything that the pages do with files: receive, read, draw."""

    def __init__(self, home: Path, secret: bytes, bounds: Bounds, limits: Limits) -> None:
        self.folder = home / "uploads"
        self.bounds = bounds
        self.sandbox = Sandbox(limits)
        self.partial = PartialUploads(self.folder, bounds)
        self.pictures = Pictures(home / "cache" / "pages", secret, self.sandbox)
        self._secret = secret

    @classmethod
    def from_settings(cls, settings: Settings) -> FileDesk:
        """The desk of a site; its settings are those of Bounds and Limits."""
        secret = settings.secret_file.read_text(encoding="ascii").strip().encode()
        return cls(settings.home, secret, Bounds.from_settings(settings.raw), Limits.from_settings(settings.raw))

    def rules(self) -> str:
        """What may be attached, in words, by the site's settings."""
        return say(
            "可以放{kinds}，每个不超过 {n} MB（旧浏览器 {plain} MB）。一次选几张照片，会合成一个 PDF。里面不能有身份证号、手机号、银行卡号；要由另一个人核对。",
            kinds=say(LISTED),
            n=self.bounds.most >> 20,
            plain=self.bounds.plain >> 20,
        )

    def receive(self, upload: Any) -> IncomingFile:
        """A file of a form, copied and looked at; the caller removes its ``path``.

        Invalid, with what to do, for a file that may not be attached.
        """
        arrived = self._copy(upload)
        try:
            return self._look(arrived.path, arrived.name)
        except BaseException:
            arrived.path.unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def taking(
        self, uploads: Sequence[Any], pieces: Sequence[str], owner: str, where: str
    ) -> Iterator[tuple[IncomingFile, ...]]:
        """The files of a form, looked at: those in it, and those that came in ``pieces`` before.

        Several photos become one PDF. Nothing is left on the disk afterwards, but for what came in
        pieces where the body raised: it can be sent again without coming again.
        """
        temporary: list[Path] = []
        arrived: list[_Arrived] = []
        try:
            real = [u for u in uploads if getattr(u, "filename", None)]
            if len(real) + len(pieces) > MAX_FILES:
                raise _refuse(say("一次最多选 {n} 个文件。请分几次上传。", n=MAX_FILES))
            for upload in real:
                arrived.append(self._copy(upload))
                temporary.append(arrived[-1].path)
            arrived += [self._come(id, owner, where) for id in pieces]
            if not arrived:
                raise _refuse(say("还没有选文件。请先点“选择文件”。"))
            files = [self._look(a.path, a.name) for a in arrived]
            photos = [f for f in files if f.media_type in _PICTURES]
            if len(photos) > 1:
                joined = self._join(photos)
                temporary.append(joined.path)
                files = [*(f for f in files if f not in photos), joined]
            yield tuple(files)
            for one in arrived:
                if one.coming is not None:
                    self.partial.drop(one.coming)
        finally:
            for path in temporary:
                path.unlink(missing_ok=True)

    def etag(self, subject: str, attachment: Attachment) -> str:
        """Changes with the content and tells nothing of it."""
        told = f"file:{subject}/{attachment.id}:{attachment.sha256}"
        return hmac.new(self._secret, told.encode(), hashlib.sha256).hexdigest()[:32]

    # ---------------------------------------------------------------------------------- steps

    def _copy(self, upload: Any) -> _Arrived:
        if not getattr(upload, "filename", None):
            raise _refuse(say("还没有选文件。请先点“选择文件”。"))
        name = clean_filename(str(upload.filename))
        with self._new() as (path, target):
            self._pour(upload.file, target)
        return _Arrived(path, name)

    @contextlib.contextmanager
    def _new(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A new file in the folder; it goes where the body raises."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = tempfile.NamedTemporaryFile(dir=self.folder, delete=False)  # noqa: SIM115
        path = Path(handle.name)
        try:
            with handle:
                yield path, handle  # type: ignore[misc]
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _pour(self, source: BinaryIO, target: BinaryIO) -> None:
        size = 0
        source.seek(0)
        while chunk := source.read(1 << 16):
            size += len(chunk)
            if size > self.bounds.plain:
                raise _refuse(too_large(self.bounds.plain))
            target.write(chunk)
        if not size:
            raise _refuse(say("这个文件是空的。请检查后重新选择。"))

    def _come(self, id: str, owner: str, where: str) -> _Arrived:
        try:
            coming = self.partial.find(id, owner, where)
            return _Arrived(self.partial.take(coming), clean_filename(coming.name), coming)
        except NotThere:
            raise _refuse(say("这个文件已经不在服务器上了（没传完的文件只留一天）。请重新选择。")) from None
        except Unfit as unfit:
            raise _refuse(unfit.message) from unfit

    def _look(self, path: Path, name: str) -> IncomingFile:
        try:
            media_type, text = self.sandbox.look(path, name)
        except Unfit as unfit:
            raise _refuse(unfit.message) from unfit
        except Busy:
            raise NotNow(say("现在有好几个文件正在查看，轮不到这一个。请过一分钟再传。")) from None
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            # ZODB brings its own file to the disk before it says yes, and no blob: a file that was
            # acknowledged would be empty after a power cut. Here no lock waits for it.
            os.fsync(file.fileno())
        return IncomingFile(path, name, media_type, path.stat().st_size, digest, text)

    def _join(self, photos: Sequence[IncomingFile]) -> IncomingFile:
        try:
            data = self.sandbox.join_photos([photo.path for photo in photos])
        except Unfit as unfit:
            raise _refuse(unfit.message) from unfit
        except Busy:
            raise NotNow(say("现在有好几个文件正在查看，轮不到这一个。请过一分钟再传。")) from None
        stem = photos[0].filename.rpartition(".")[0][:90]
        with self._new() as (path, target):
            target.write(data)
        try:
            return self._look(path, f"{stem}等{len(photos)}张照片.pdf")
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def clean_filename(raw: str) -> str:
    """A name that can be shown and saved: its last part, no control or direction characters.

    Invalid, with what to do, for another.
    """
    name = raw.replace("\\", "/").rpartition("/")[2].strip()
    try:
        name = clean_name(name, "文件名", limit=120)
    except TextRefused as error:
        raise _refuse(say("{message}请把文件改个名字再上传。", message=error.message)) from error
    if not name or name.startswith("."):
        raise _refuse(say("这个文件没有名字。请改个名字再上传。"))
    return name


def receive(upload: Any, folder: Path) -> IncomingFile:
    """:meth:`FileDesk.receive` without a desk, for programs that have none."""
    return FileDesk(folder.parent, b"", Bounds(), Limits()).receive(upload)


def kind_title(media_type: str) -> str:
    """PDF, 文档, 表格, 图片: what a person calls a file of this type."""
    kind = KINDS.get(media_type)
    return say(kind.title) if kind is not None else say("文件")


def includeme(config: Any) -> None:
    """``registry.files``."""
    config.registry.files = FileDesk.from_settings(config.registry.services.settings)
