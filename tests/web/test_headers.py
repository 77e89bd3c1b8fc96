"""Headers for safety: on every answer, for this server's own files alone, and for the sites that a teacher names."""

import base64
import hashlib
import re
import runpy
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import streamlit
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from lib.architecture import Impossible
from lib.web.headers import SafeHeaders, embedders

PAGE = Path(streamlit.__file__).parent / "static" / "index.html"


def headers(address):
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.headers
    except urllib.error.HTTPError as answer:
        return answer.headers


def directives(policy):
    return {name: sources for name, *sources in map(str.split, policy.split(";"))}


@pytest.mark.parametrize("path", ["/", "/explore", "/healthz", "/_stcore/health", "/_stcore/host-config", "/media/none",
                                  "/no/page", "/static/js/none.js", "//other.example/"])
def test_every_answer_bears_them(server, path):
    said = headers(server + path)
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["Referrer-Policy"] == "same-origin"
    assert said["X-Frame-Options"] == "SAMEORIGIN"
    policy = directives(said["Content-Security-Policy"])
    assert policy["default-src"] == ["'none'"] and policy["frame-ancestors"] == ["'self'"]
    assert not any("://" in source or "*" in source for sources in policy.values() for source in sources)
    scripts = policy["script-src"]
    assert "'unsafe-inline'" not in scripts and "'unsafe-eval'" not in scripts


def test_a_file_of_streamlit_bears_what_concerns_it(server):
    script = next(PAGE.parent.glob("static/js/index.*.js"))
    said = headers(f"{server}/static/js/{script.name}")
    assert said["X-Content-Type-Options"] == "nosniff" and "Content-Security-Policy" not in said


def test_the_script_in_the_page_is_allowed_by_its_hash_alone():
    page = PAGE.read_text(encoding="utf-8")
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = directives(SafeHeaders(None, PAGE, ()).headers["Content-Security-Policy"])
    assert [source for source in policy["script-src"] if "sha256" in source] == [f"'sha256-{digest}'"]


def test_sites_that_are_named_may_show_pages(monkeypatch):
    monkeypatch.setenv("EMBED_IN", " https://moodle.example.edu   http://lab1:8080 ")
    said = SafeHeaders(None, PAGE, embedders()).headers
    allowed = directives(said["Content-Security-Policy"])["frame-ancestors"]
    assert allowed == ["'self'", "https://moodle.example.edu", "http://lab1:8080"]
    assert "X-Frame-Options" not in said


@pytest.mark.parametrize("wrong", ["moodle.example.edu", "https://", "https://a.example/course", "https://a.example/", "*",
                                   "https://*.example.edu", "https://a.example;script-src",
                                   "https://a.example,https://b.example", "ftp://a.example", "https://a.example:port", "'self'", "https://name@a.example"])
def test_what_is_no_address_of_a_site_is_refused_in_a_sentence(monkeypatch, wrong):
    monkeypatch.setenv("EMBED_IN", f"https://good.example {wrong}")
    with pytest.raises(Impossible) as refused:
        embedders()
    assert f"“{wrong}”" in str(refused.value) and "\n" not in str(refused.value)


def test_a_start_with_a_wrong_site_says_so(monkeypatch):
    monkeypatch.setenv("EMBED_IN", "moodle")
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(Path(__file__).parent.parent.parent / "app.py"))
    assert end.value.code == ("EMBED_IN: “moodle” is not the address of a site. "
                              "Write it like https://moodle.example.edu, without a path, and a space between two.")


def test_the_pages_of_another_site_cannot_speak_to_the_server(server):
    line = server.replace("http", "ws") + "/_stcore/stream"
    with pytest.raises(InvalidStatus, match="403"):
        connect(line, origin="https://evil.example", subprotocols=["streamlit"])
    with connect(line, origin=server, subprotocols=["streamlit"]) as own:
        assert own.protocol.extensions, "messages are not compressed"
