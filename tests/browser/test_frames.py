"""Pages in a frame of a course's site: where EMBED_IN names the site they work there, otherwise they are not shown."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import expect

import lib
from tests.browser import harness
from tests.browser.test_explore import shows


class Course(BaseHTTPRequestHandler):
    """A page that shows in a frame what its address names behind the question mark."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f'<iframe src="{self.path.partition("?")[2]}" width="1200" height="700"></iframe>'.encode())

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def course():
    """The address of a site that is another one than the app's, for browsers: by a name in the place of a number."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), Course)
    Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://localhost:{site.server_port}"
    site.shutdown()
    site.server_close()


@pytest.fixture
def page(browser, course):
    page = harness.new_page(browser, course)
    yield page
    page.context.close()


def test_a_page_works_on_a_site_that_is_named(page, course, monkeypatch):
    """By the first link after a start: with `pages/` beside the entry script, Streamlit says "Page not found" there."""
    monkeypatch.setenv("EMBED_IN", f"https://other.example {course}")
    with harness.serve() as address:
        wrong = harness.watch(page, address)
        page.goto(f"/?{address}/explore?preset=resnext50_32x4d")
        frame = page.frame_locator("iframe")
        shows(frame, "Parameters", lib.analyze("resnext50_32x4d").params)
        assert frame.get_by_role("dialog").count() == 0
        frame.get_by_role("slider", name="Cardinality C").press("ArrowLeft")
        shows(frame, "Parameters", lib.analyze("resnext50_32x4d", cardinality=31).params)
    own = [problem for problem in wrong if course not in problem]
    assert not own, own


def test_a_page_is_not_shown_on_a_site_that_is_not_named(page, server):
    with page.expect_console_message(lambda message: "frame-ancestors 'self'" in message.text):
        page.goto(f"/?{server}/explore")
    expect(page.frame_locator("iframe").locator("h1", has_text="Explore")).to_have_count(0)


def test_what_the_policy_refuses_is_not_overlooked(browser, server):
    page = harness.new_page(browser, server)
    wrong = harness.watch(page, server)
    page.goto("/healthz")
    page.evaluate("""() => new Promise(done => {
        let refused = 0;
        document.addEventListener("securitypolicyviolation", () => { if (++refused === 3) done(); });
        fetch("http://127.0.0.1:1/").catch(() => 0);
        document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:1/x.png" }),
                             Object.assign(document.createElement("script"), { text: "window.evil = true" }));
    })""")
    for kind in ("connect-src", "img-src", "script-src-elem"):
        assert any(f"refused by the policy: {kind}" in problem for problem in wrong), (kind, wrong)
    assert page.evaluate("window.evil") is None
    page.context.close()
