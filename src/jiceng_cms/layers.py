"""Which folder may import which: a folder knows those above it in this list, and itself.

`tests/unit/test_layers.py` reads every import of the package and compares. The reasons stand in
docs/architecture.md; a new folder gets its place here first.
"""

from __future__ import annotations

#: From what knows nothing to what knows everything.
LAYERS: tuple[str, ...] = (
    "locale",  # the words; used by all, knows nobody
    "core",
    "store",
    "translog",
    "privacy",
    "files",
    "search",
    "access",
    "web",
    "affairs",
    "api",
    "ops",
)

#: Modules beside the folders that put the application together and so may import any of them.
ASSEMBLY: frozenset[str] = frozenset({"__init__", "app"})

#: What a folder must not import from other people's packages, with the reason.
FORBIDDEN: dict[str, frozenset[str]] = {
    # the life of a record is the same on the web, in the API and on the command line
    "core": frozenset({"pyramid", "webob", "deform", "chameleon", "waitress", "whoosh", "sqlite3"}),
    "store": frozenset({"pyramid", "webob", "deform", "chameleon", "waitress", "whoosh"}),
    "privacy": frozenset({"pyramid", "webob", "deform", "chameleon", "waitress", "ZODB"}),
    # what looks into strangers' files knows neither the site nor its database
    "files": frozenset({"pyramid", "webob", "deform", "chameleon", "waitress", "ZODB", "sqlite3"}),
}

#: What only one folder may import: nobody else opens a database.
RESERVED: dict[str, str] = {"zodburi": "store", "ZODB.FileStorage": "store", "ZODB.DB": "store"}


def may_import(importer: str, imported: str) -> bool:
    """Whether folder `importer` may import folder `imported`.

    Both are names in LAYERS; raises ValueError for another, since a folder without a place in the
    list has no rule yet.
    """
    return LAYERS.index(imported) <= LAYERS.index(importer)
