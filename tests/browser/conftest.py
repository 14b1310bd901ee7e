"""A village served to real Chromium, and people at their browsers whose every complaint is kept."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import waitress
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from support.village import PASSWORD, Village, open_village

#: No call home, no sandbox (containers have none), no QUIC.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

#: Milliseconds that a page may take; far more than it should.
PATIENCE = 15_000

_TELL_VIOLATIONS = """document.addEventListener('securitypolicyviolation', function (event) {
  console.error('CSP: ' + event.violatedDirective + ' ' + event.blockedURI);
});"""


@dataclass
class Served:
    """A running site: its village and where it listens."""

    village: Village
    address: str


@dataclass
class Person:
    """Somebody at a browser. ``complaints`` is all that the browser held against our pages."""

    page: Page
    context: BrowserContext
    address: str
    complaints: list[str] = field(default_factory=list)
    #: statuses of whole pages that this person meets on purpose, such as 410
    expects: set[int] = field(default_factory=set)

    def open(self, path: str) -> Page:
        """Go to a path of the site.

        On a busy machine Chromium may begin the same navigation twice and call the first one
        interrupted; then the second one is waited for.
        """
        try:
            self.page.goto(self.address + path)
        except PlaywrightError as error:
            if f'interrupted by another navigation to "{self.address}{path}"' not in str(error):
                raise
            self.page.wait_for_url(self.address + path)
        return self.page

    def sign_in(self, login: str, password: str = PASSWORD) -> Page:
        """Sign in and come to the desk."""
        self.open("/login")
        self.page.get_by_label("账号").fill(login)
        self.page.get_by_label("密码").fill(password)
        self.page.get_by_role("button", name="登录", exact=True).click()
        self.page.wait_for_url("**/staff")
        return self.page

    def press(self, name: str) -> Page:
        """Press the button of this name."""
        self.page.get_by_role("button", name=name, exact=True).click()
        return self.page

    def hear(self, message: ConsoleMessage) -> None:
        """Keep what the console says, but the report of a status that was expected."""
        if message.type not in ("error", "warning"):
            return
        if any(f"status of {status}" in message.text for status in self.expects):
            return
        self.complaints.append(f"{self.page.url}: {message.text}")

    def missed(self, request: Request) -> None:
        """Keep a request that failed; one that a following click cut short did not."""
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.url}: {request.failure}")


@contextlib.contextmanager
def serving(home: Path) -> Iterator[Served]:
    """Serve a new village on a free port of this machine, with its worker at work."""
    village = open_village(home)
    server = waitress.create_server(village.app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert village.worker is not None
    village.worker.start()
    try:
        yield Served(village, f"http://127.0.0.1:{server.effective_port}")
    finally:
        server.close()
        thread.join(timeout=5)
        server.task_dispatcher.shutdown()
        village.close()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """One Chromium for a module's tests; each person has a profile of their own in it.

    Not for the session: Playwright's event loop runs in this thread as long as it is open, and
    tests elsewhere need one of their own.
    """
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A site of the test's own."""
    with serving(tmp_path / "home") as site:
        yield site


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A site that the tests of a module only look at."""
    with serving(tmp_path_factory.mktemp("site") / "home") as site:
        yield site


Meet = Callable[..., Person]


@pytest.fixture
def people(browser: Any) -> Iterator[Meet]:
    """``people(site, viewport=…, …)`` is somebody new; at the end nobody may have a complaint."""
    met: list[Person] = []

    def meet(site: Served, **options: Any) -> Person:
        options.setdefault("viewport", DESKTOP)
        context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", **options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(_TELL_VIOLATIONS)
        person = Person(context.new_page(), context, site.address)
        person.page.on("console", person.hear)
        person.page.on("pageerror", lambda error: person.complaints.append(f"{person.page.url}: {error}"))
        person.page.on("requestfailed", person.missed)
        met.append(person)
        return person

    yield meet
    complaints = [line for person in met for line in person.complaints]
    for person in met:
        person.context.close()
    assert complaints == []
