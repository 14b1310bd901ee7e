"""Templates and static files by name: a site's own folder first, then the default theme.

A theme folder holds ``templates/`` and ``static/``. A file there replaces the default one of the
same name; nothing is forked. Views say ``renderer="unit.pt"`` and return a value of
:mod:`jiceng_cms.web.pages` (or of the back office); the template reads it as ``page``, what
surrounds it as ``shell``. Static files are addressed by :meth:`Theme.static` with a hash of
their content, so that browsers may keep them for a year.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib.resources
import os
import secrets
import shutil
import sys
import threading
from ast import NodeTransformer
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from chameleon import PageTemplateFile
from chameleon.loader import ModuleLoader
from chameleon.tal import RepeatDict
from chameleon.tales import PythonExpr
from chameleon.utils import Scope
from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from jiceng_cms.locale import template_translator
from jiceng_cms.web import format as fmt
from jiceng_cms.web.pages import Shell

Translate = Callable[..., str]

#: By the file's suffix; others are not served.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
}


class ShellFor(Protocol):
    """Computes what surrounds a page; registered as ``registry.shell_for``."""

    def __call__(self, request: Any) -> Shell: ...


class TemplateMissing(LookupError):
    """No folder of the theme has a template of this name."""


@dataclass(frozen=True)
class StaticFile:
    """A static file in memory: they are few and small."""

    body: bytes
    content_type: str
    digest: str  # the first 12 hexadecimal digits of its SHA-256


def default_theme() -> Path:
    """The theme that comes with the package."""
    return Path(str(importlib.resources.files("jiceng_cms.default_themes"))) / "default"


def _say(text: str, **values: object) -> str:
    return text.format(**values) if values else text


class _Python(PythonExpr):
    """A Python expression as it stands: ``page.title`` is an attribute and never an item, which
    Chameleon would look for by a function call at each dot."""

    transform: Any = NodeTransformer()


class _NoSuchName(NameError, KeyError):
    """A template uses a name that nobody gave it."""


class _Names(Scope):
    """What a template's names mean. Chameleon's own looks each up, and copies all for each macro,
    in Python; here the dictionary does both, and only what it has not is asked of the root."""

    __slots__ = ()
    # of its own, it would make the dictionary copy itself name by name
    __iter__: Any = dict.__iter__
    __contains__: Any = dict.__contains__
    __getitem__: Any = dict.__getitem__
    get: Any = dict.get
    get_name: Any = dict.__getitem__
    _root: Any

    def __missing__(self, name: str) -> Any:
        root = getattr(self, "_root", None)
        if root is None or name not in root:
            raise _NoSuchName(name)
        return root[name]

    def copy(self) -> _Names:
        """For a macro: what it names ends with it."""
        made = _Names(self)
        root: Any = getattr(self, "_root", self)
        made._root = root
        return made


class _Template(PageTemplateFile):
    """A template whose ``load:`` looks through the theme's folders, not beside itself."""

    expression_types = {**PageTemplateFile.expression_types, "python": _Python}
    prepend_relative_search_path = False
    _render: Callable[..., None]

    def write_out(self, names: dict[str, Any]) -> str:
        """The page, as :meth:`render` makes it, with names that are found faster."""
        self.cook_check()
        given = _Names(names)
        given.update(
            __translate=names["translate"], __decode=bytes.decode, __on_error_handler=None,
            target_language=None, repeat=RepeatDict({}),
        )  # fmt: skip
        stream: list[str] = []
        try:
            self._render(stream, given, {}, target_language=None)
        except Exception:
            # Chameleon's own way tells the place in the template
            return str(self.render(**names))
        return "".join(stream)


_compile_lock = threading.Lock()


@contextlib.contextmanager
def _compiling() -> Iterator[None]:
    """One compilation at a time and no garbage collection in it.

    Python 3.11 counts the depth of ``ast`` calls for all threads in one place, and a finaliser or
    a thread that compiles at the same moment makes it raise SystemError (gh-106905).
    """
    with _compile_lock:
        was_on = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_on:
                gc.enable()


@lru_cache(maxsize=4)
def shared_theme(folders: tuple[Path, ...], translator: Callable[[str], Translate] | None) -> Theme:
    """The theme over these folders: its compiled templates serve every application in a process."""
    return Theme(folders, translator=translator)


#: Stands where the top will be; nobody's text contains it, since nobody knows it.
_CUT = f"[{secrets.token_hex(16)}]"


class _WithoutTop:
    """The layout whose macro ``top`` leaves the mark at which a page is cut."""

    def __init__(self, layout: PageTemplateFile, cut: PageTemplateFile) -> None:
        self.macros = _Macros(layout.macros, cut.macros)


@dataclass(frozen=True)
class _Macros:
    layout: Any
    cut: Any

    def __getitem__(self, name: str) -> Any:
        return self.cut[name] if name == "top" else self.layout[name]


@dataclass(frozen=True)
class Drawn:
    """A page before and after its top, with what the top may ask of it."""

    before: bytes
    after: bytes
    digest: bytes
    title: str
    owns_search: bool

    def __len__(self) -> int:
        return len(self.before) + len(self.after)


@dataclass(frozen=True)
class _Asked:
    """What a layout's top may ask of the page below it."""

    title: str
    owns_search: bool


class Theme:
    """Renders pages by template name.

    ``search_path`` are theme folders, the first wins, the default theme is always the last.
    With ``reload`` templates and static files are looked at again at every use (development).
    ``translator`` gives the function that templates call ``_`` for a locale.
    """

    def __init__(
        self,
        search_path: Sequence[Path] = (),
        *,
        reload: bool = False,
        translator: Callable[[str], Translate] | None = None,
    ) -> None:
        self.folders = [*(Path(folder) for folder in search_path), default_theme()]
        for folder in self.folders:
            if not folder.is_dir():
                raise FileNotFoundError(f"主题文件夹不存在：{folder}")
        self.reload = reload
        self._translator = translator or (lambda locale: _say)
        self._templates: dict[str, _Template] = {}
        self._static: dict[str, StaticFile] = self._scan()
        self._tops = lru_cache(maxsize=1024)(self._top)
        self._compiled: ModuleLoader | None = None

    def keep_compiled_in(self, folder: Path) -> None:
        """Write compiled templates to ``folder``, where the next start finds them again.

        They are found by their text, by Chameleon's and Python's release and by this module's text;
        the folder may be deleted at any time. Where it can't be written, all is as without it.
        """
        made_by = hashlib.sha256(Path(__file__).read_bytes() + sys.version.encode()).hexdigest()[:12]
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for old in folder.iterdir():
                if old.name != made_by:
                    shutil.rmtree(old, ignore_errors=True)
            (folder / made_by).mkdir(mode=0o700, exist_ok=True)
        except OSError:
            return
        if os.access(folder / made_by, os.W_OK):
            self._compiled = ModuleLoader(str(folder / made_by))

    # --- templates --------------------------------------------------------------------------

    def template(self, name: str) -> _Template:
        """The template ``name`` (``unit.pt``); TemplateMissing when no folder has it."""
        found = self._templates.get(name)
        if found is None:
            found = self._make(name)
            with _compiling():
                found.cook_check()
            self._templates[name] = found
        return found

    def _make(self, name: str) -> _Template:
        options: dict[str, Any] = {"loader": self._compiled} if self._compiled is not None else {}
        return _Template(
            str(self._find(name)),
            **options,
            search_path=[str(folder / "templates") for folder in self.folders],
            auto_reload=self.reload,
            boolean_attributes={
                "checked",
                "selected",
                "disabled",
                "hidden",
                "open",
                "required",
                "autofocus",
                "multiple",
                "readonly",
                "novalidate",
            },
            encoding="utf-8",
            # the words of a template are looked up by themselves; sentences with values say _()
            implicit_i18n_translate=True,
            implicit_i18n_attributes={"alt", "aria-label", "placeholder", "title"},
        )

    def _find(self, name: str) -> Path:
        if "/" in name or "\\" in name or name.startswith("."):
            raise TemplateMissing(name)
        for folder in self.folders:
            path = folder / "templates" / name
            if path.is_file():
                return path
        raise TemplateMissing(name)

    def render(self, name: str, page: object, shell: Shell, **extra: object) -> str:
        """The page as HTML. ``extra`` adds names for the template (a rendered form, say)."""
        # Old browsers need the document type; templates need not repeat it.
        return "<!DOCTYPE html>\n" + self._render(name, page, shell, extra).lstrip()

    def draw(self, name: str, page: object, shell: Shell) -> Drawn:
        """The page but for its top, for the cache of fragments; :meth:`finish` adds that.

        What stands around the top may depend on the language, on the elder mode and on whether
        somebody is signed in, on nothing else of the request.
        """
        layout = _WithoutTop(self.template("layout.pt"), self.template("cut.pt"))
        whole = self.render(name, page, shell, layout=layout, cut=_CUT)
        before, _, after = whole.partition(_CUT)
        digest = hashlib.sha256(whole.encode()).digest()
        return Drawn(before.encode(), after.encode(), digest, getattr(page, "title", ""), getattr(page, "owns_search", False))

    def finish(self, drawn: Drawn, shell: Shell) -> tuple[bytes, str]:
        """(the whole page, its ETag without quotes) for the reader in ``shell``."""
        if not drawn.after:  # a layout of the site's own, which has no top
            return drawn.before, drawn.digest.hex()[:32]
        asked = _Asked(drawn.title, drawn.owns_search)
        # what nobody's name stands in is the same for everybody at this address
        shared = shell.account is None and not shell.csrf_token and not self.reload
        top = self._tops(shell, asked) if shared else self._top(shell, asked)
        etag = hashlib.sha256(drawn.digest + top).hexdigest()[:32]
        return drawn.before + top + drawn.after, etag

    def _top(self, shell: Shell, asked: _Asked) -> bytes:
        return self._render("top.pt", asked, shell, {}).encode()

    def _render(self, name: str, page: object, shell: Shell, extra: Mapping[str, object]) -> str:
        # A sheet for the wall is Chinese whatever language its reader prefers.
        locale = getattr(page, "locale", shell.locale)
        names: dict[str, Any] = {
            "page": page,
            "shell": shell,
            "fmt": fmt,
            "static": self.static,
            "layout": self.template("layout.pt"),
            "bits": self.template("bits.pt"),
            "_": self._translator(locale),
            "translate": template_translator(locale),
        }
        names.update(extra)
        return self.template(name).write_out(names)

    # --- static files -----------------------------------------------------------------------

    def _scan(self) -> dict[str, StaticFile]:
        files: dict[str, StaticFile] = {}
        for folder in reversed(self.folders):
            root = folder / "static"
            for path in sorted(root.rglob("*")):
                content_type = _TYPES.get(path.suffix)
                if content_type is None or not path.is_file():
                    continue
                body = path.read_bytes()
                digest = hashlib.sha256(body).hexdigest()[:12]
                files[path.relative_to(root).as_posix()] = StaticFile(body, content_type, digest)
        return files

    def static(self, name: str) -> str:
        """The address of a static file with the hash of its content; KeyError if there is none."""
        if self.reload:
            self._static = self._scan()
        return f"/static/{name}?v={self._static[name].digest}"

    def static_file(self, name: str) -> StaticFile | None:
        """The file, or None: only what the scan found can be served, so no path leads out."""
        if self.reload:
            self._static = self._scan()
        return self._static.get(name)


def serve_static(request: Any) -> Response:
    """A static file: a year in the cache under its own hash, else asked for each time."""
    theme: Theme = request.registry.theme
    found = theme.static_file("/".join(request.matchdict["subpath"]))
    if found is None:
        raise HTTPNotFound()
    response = Response(body=found.body)
    response.headers["Content-Type"] = found.content_type
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.etag = found.digest
    if request.GET.get("v") == found.digest:
        response.cache_control = "public, max-age=31536000, immutable"
    else:
        response.cache_control = "no-cache"
    response.conditional_response = True
    return response


class _Renderer:
    """Pyramid's renderer for ``.pt``: the view's value is the page."""

    def __init__(self, info: Any) -> None:
        self.name = info.name

    def __call__(self, value: object, system: Mapping[str, Any]) -> str:
        request = system["request"]
        shell_for: ShellFor = request.registry.shell_for
        response = request.response
        response.content_type = "text/html"
        response.charset = "utf-8"
        theme: Theme = request.registry.theme
        return theme.render(self.name, value, shell_for(request))


def render_page(request: Any, page: Any, *, status: int = 200) -> Response:
    """A whole response for ``page``, whose ``template`` names its template."""
    shell_for: ShellFor = request.registry.shell_for
    theme: Theme = request.registry.theme
    return Response(
        theme.render(page.template, page, shell_for(request)),
        content_type="text/html",
        charset="utf-8",
        status=status,
    )


def html_response(body: bytes, etag: str) -> Response:
    """A page that is drawn already."""
    response = Response(body, content_type="text/html", charset="utf-8")
    response.etag = etag
    response.conditional_response = True
    return response


def _plain_shell(request: Any) -> Shell:
    return Shell(site_title="基层公开")


def includeme(config: Any) -> None:
    """Set up ``registry.theme``, the ``.pt`` renderer and ``/static/``.

    Settings: ``jiceng.theme`` a theme folder of the site's own (may be empty);
    ``pyramid.reload_templates`` looks at the files again at every use.
    """
    from pyramid.settings import asbool

    settings = config.registry.settings
    if not hasattr(config.registry, "theme"):
        own = (settings.get("jiceng.theme") or "").strip()
        reload = asbool(settings.get("pyramid.reload_templates", False))
        config.registry.theme = Theme([Path(own)] if own else [], reload=reload, translator=_translators())
    if not hasattr(config.registry, "shell_for"):
        config.registry.shell_for = _plain_shell
    config.add_renderer(".pt", _Renderer)
    config.add_route("static", "/static/*subpath", request_method=("GET", "HEAD"))
    config.add_view(serve_static, route_name="static", permission=NO_PERMISSION_REQUIRED)


def _translators() -> Callable[[str], Translate] | None:
    from jiceng_cms import locale

    make: Callable[[str], Translate] | None = getattr(locale, "translator", None)
    return make
