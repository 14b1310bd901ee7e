"""What is served under /log/, to whom nothing is served yet, and for how long it may be kept."""

import pytest
from pyramid.config import Configurator
from webtest import TestApp

from jiceng_cms.translog.checkpoint import Checkpoint
from jiceng_cms.translog.note import Verifier
from jiceng_cms.translog.service import ILogService, LogService
from jiceng_cms.translog.state import read_checkpoint
from jiceng_cms.translog.tiles import decode_bundle


def application(site, service=True):
    config = Configurator()
    config.include("jiceng_cms.translog")
    if service:
        config.registry.registerUtility(
            LogService(site.signer.verifier, site.state_file), ILogService
        )

    def db(request):
        snapshot = site.store.snapshot()
        request.add_finished_callback(lambda _: snapshot.close())
        return snapshot.connection

    config.add_request_method(db, reify=True)
    return TestApp(config.make_wsgi_app())


@pytest.fixture
def app(site):
    site.commit_many(599)  # with the entry of `init` 600
    site.sequence()
    return application(site)


def test_checkpoint(app, site):
    answer = app.get("/log/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert Checkpoint.open(answer.body, site.signer.verifier).size == 600
    assert answer.text == read_checkpoint(site.state_file)
    assert app.head("/log/checkpoint").body == b""


def test_key(app, site):
    answer = app.get("/log/key")
    assert Verifier.decode(answer.text.strip()) == site.signer.verifier
    assert "PRIVATE" not in answer.text


@pytest.mark.parametrize(
    ("path", "length"),
    [("0/000", 8192), ("0/001", 8192), ("0/002.p/88", 88 * 32), ("0/001.p/7", 224), ("1/000.p/2", 64)],
)
def test_tiles(app, path, length):
    answer = app.get(f"/log/tile/{path}")
    assert len(answer.body) == length
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_entries_hold_leaves_and_never_pointers(app):
    full = app.get("/log/tile/entries/000")
    assert len(decode_bundle(full.body)) == 256
    tail = app.get("/log/tile/entries/002.p/88")
    assert len(decode_bundle(tail.body)) == 88
    assert b"record:" not in full.body + tail.body


def test_full_tiles_are_kept_for_a_year_partial_ones_for_an_hour(app):
    assert app.get("/log/tile/0/000").headers["Cache-Control"] == (
        "public, max-age=31536000, immutable"
    )
    assert "max-age=3600," in app.get("/log/tile/0/002.p/3").headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "0/002", "0/002.p/89", "0/003", "1/000", "1/000.p/3", "2/000.p/1", "entries/002",
        "entries/002.p/89", "entries/003.p/1", "0/2", "0/000.p/0", "0/000.p/256", "64/000",
        "8/000/", "..", "%2e%2e/0/000", "data/000", "0/x000/000", "0/000%00", "0/000?x=%ff",
    ],
)  # fmt: skip
def test_what_is_not_there_or_is_no_path(app, path):
    status = 200 if "?" in path else 404
    app.get(f"/log/tile/{path}", status=status)


def test_what_is_not_signed_yet_is_not_served(app, site):
    site.commit_many(60)
    sequencer = site.sequencer()
    site.clock.moment = site.clock.moment.replace(year=2020)  # so that it can't sign
    sequencer.step()
    assert sequencer.status.size == 660
    sequencer.close()
    app.get("/log/tile/entries/002.p/88")
    app.get("/log/tile/entries/002.p/89", status=404)
    app.get("/log/tile/0/002.p/89", status=404)


def test_before_the_first_checkpoint_and_without_a_log(site):
    app = application(site)
    for path in ("checkpoint", "tile/0/000.p/1"):
        app.get(f"/log/{path}", status=404)
    app.get("/log/key")
    bare = application(site, service=False)
    for path in ("checkpoint", "tile/0/000.p/1", "key"):
        bare.get(f"/log/{path}", status=404)


def test_nothing_but_reading(app):
    for path in ("/log/checkpoint", "/log/key", "/log/tile/0/000"):
        app.post(path, status=404)
        app.delete(path, status=404)


def test_page_of_another_site_may_verify_and_no_cookie_is_set(app):
    assert app.get("/log/checkpoint").headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in app.get("/log/tile/0/000").headers
