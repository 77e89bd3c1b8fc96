"""Who is who: the cookie that a page brings, who is known by it, and who is not."""

import re
from http.cookies import SimpleCookie

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from lib.web import visitor
from lib.web.visitor import COOKIE, VisitorCookie, identify

PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setenv("STREAMLIT_SERVER_COOKIE_SECRET", "the secret of a test")
    visitor.secret.cache_clear()
    yield
    visitor.secret.cache_clear()


@pytest.fixture
def browser():
    """A browser that nobody has used, over HTTP or, by `base_url`, HTTPS."""
    app = Starlette(routes=[Route("/", lambda asked: PlainTextResponse("a page"))], middleware=[Middleware(VisitorCookie)])
    return lambda base_url="http://lab.example": TestClient(app, base_url, headers=PAGE)


def sent(answer) -> SimpleCookie:
    return SimpleCookie(answer.headers.get("set-cookie", ""))


def test_a_browser_is_the_same_at_every_visit_and_no_other(browser):
    anna, ben = browser(), browser()
    first = sent(anna.get("/"))[COOKIE].value
    assert sent(anna.get("/"))[COOKIE].value == first != sent(ben.get("/"))[COOKIE].value
    assert identify(first, "192.0.2.1") == identify(first, "192.0.2.99") != identify(ben.cookies[COOKIE], "192.0.2.1")
    assert re.fullmatch("[0-9a-f]{32}", identify(first, "")) and identify(first, "") not in first


def test_scripts_read_it_not_and_other_sites_send_it_not(browser):
    cookie = sent(browser().get("/"))[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
    assert int(cookie["max-age"]) == 400 * 24 * 3600
    assert sent(browser("https://lab.example").get("/"))[COOKIE]["secure"] is True


@pytest.mark.parametrize("address, attributes", {
    "https://lab.example": {"SameSite=None", "Partitioned", "Secure"}, "http://lab.example": {"SameSite=Lax"}}.items())
def test_in_a_course_page_it_lives_in_a_jar_of_its_own(browser, monkeypatch, address, attributes):
    monkeypatch.setenv("EMBED_IN", "https://course.example")
    said = set(browser(address).get("/").headers["set-cookie"].split("; "))
    assert said & {"SameSite=None", "SameSite=Lax", "Partitioned", "Secure"} == attributes


def test_what_proxies_keep_for_all_bears_no_cookie(browser):
    for accept in ("*/*", "image/png", "application/json"):
        assert "set-cookie" not in browser().get("/", headers={"accept": accept}).headers


def test_whoever_has_no_cookie_or_a_made_up_one_is_one_with_their_address(browser):
    nobody = identify("", "192.0.2.1")
    real = sent(browser().get("/"))[COOKIE].value
    token, _, signature = real.rpartition(".")
    for made_up in ("x", "x.y", ".", token, f"{token}x.{signature}", f"another.{signature}", "é"):
        assert identify(made_up, "192.0.2.1") == nobody
    assert identify("", "192.0.2.2") != nobody != identify(real, "192.0.2.1")
    client = browser()
    client.cookies.set(COOKIE, f"another.{signature}")
    assert sent(client.get("/"))[COOKIE].value.rpartition(".")[0] not in ("another", "")


def test_the_secret_lasts_and_servers_share_it(tmp_path, monkeypatch):
    monkeypatch.delenv("STREAMLIT_SERVER_COOKIE_SECRET")
    monkeypatch.setattr(visitor, "FILE", tmp_path / "visitors.key")

    def started() -> str:
        visitor.secret.cache_clear()
        return visitor.secret()
    first = started()
    assert started() == first and len(first) == 64 and [file.name for file in tmp_path.iterdir()] == ["visitors.key"]
    assert (tmp_path / "visitors.key").stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(visitor.Path, "exists", lambda self: False)  # two servers begin at the same time
    assert started() == first and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("file", ["nowhere/visitors.key", "empty"])
def test_where_the_secret_cannot_be_kept_it_is_said_and_lasts_until_the_end(file, tmp_path, monkeypatch, caplog):
    monkeypatch.delenv("STREAMLIT_SERVER_COOKIE_SECRET")
    (tmp_path / "empty").touch()
    monkeypatch.setattr(visitor, "FILE", tmp_path / file)
    visitor.secret.cache_clear()
    assert visitor.secret() == visitor.secret() and len(visitor.secret()) == 64
    assert "visitors are known until this server stops" in caplog.text
