"""Compressed copies: what is sent to whom, and that they are made once, are right, and need no disk."""

import gzip
import re
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import brotli
import pytest
import streamlit

from lib.web import assets
from lib.web.assets import Copies, preferred, write_whole

STATIC = Path(streamlit.__file__).parent / "static"
SCRIPT = "/" + min(STATIC.glob("static/js/index.*.js")).relative_to(STATIC).as_posix()
CONTENT = (STATIC / SCRIPT[1:]).read_bytes()
UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}


def ask(server, path=SCRIPT, method="GET", **headers):
    """Status, headers and content as the server sends them; underscores in names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(server + path, headers=named, method=method)) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


@pytest.mark.parametrize("accepted, coding", [
    ("gzip, deflate, br, zstd", "br"), ("gzip, deflate", "gzip"), ("br", "br"), ("BR", "br"), ("*", "br"),
    ("br;q=0, gzip", "gzip"), ("br; q=0.000, *", "gzip"), ("br;q=0.2, gzip;q=0.8", "gzip"), ("gzip;q=1.0,br;q=1", "br"),
    ("", None), ("identity", None), ("zstd, deflate", None), ("*;q=0", None), ("br;q=0, gzip;q=0", None),
    ("xbr, gzipped", None),
])
def test_a_browser_is_sent_the_coding_that_it_takes_and_likes_best(server, accepted, coding):
    assert preferred(accepted) == coding
    status, headers, content = ask(server, Accept_Encoding=accepted)
    assert (status, headers["Content-Encoding"], headers["Vary"]) == (200, coding, "Accept-Encoding")
    assert int(headers["Content-Length"]) == len(content)
    assert UNPACK[coding](content) == CONTENT
    assert "immutable" in headers["Cache-Control"] and "max-age=31536000" in headers["Cache-Control"]
    assert headers["Content-Type"] == "application/javascript"


@pytest.mark.parametrize("coding", ["br", "gzip", "identity"])
def test_who_has_a_copy_is_sent_none(server, coding):
    def asked(**headers):
        return ask(server, Accept_Encoding=coding, **headers)

    _status, headers, content = asked()
    tag = headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        status, kept, nothing = asked(If_None_Match=known)
        assert (status, nothing, kept["ETag"], kept["Vary"]) == (304, b"", tag, "Accept-Encoding"), known
    assert asked(If_None_Match='"other"')[0] == 200
    status, head, nothing = asked(method="HEAD")
    assert (status, nothing, head["ETag"], head["Content-Length"]) == (200, b"", tag, str(len(content)))


def test_each_coding_has_a_tag_of_its_own(server):
    assert len({ask(server, Accept_Encoding=coding)[1]["ETag"] for coding in ("br", "gzip", "identity")}) == 3


def test_a_part_is_one_of_the_file_as_it_is(server):
    status, headers, content = ask(server, Accept_Encoding="br, gzip", Range="bytes=100-199")
    assert (status, content, headers["Content-Encoding"]) == (206, CONTENT[100:200], None)
    assert (headers["Content-Range"], headers["Vary"]) == (f"bytes 100-199/{len(CONTENT)}", "Accept-Encoding")
    other = ask(server, Accept_Encoding="br")[1]["ETag"]
    assert ask(server, Accept_Encoding="br", Range="bytes=100-199", If_Range=other)[::2] == (200, CONTENT)


def test_the_page_itself_is_asked_for_each_time_and_fonts_are_sent_as_they_are(server):
    for path in ("/", "/explore", "/index.html"):
        assert ask(server, path, Accept_Encoding="br, gzip")[1]["Cache-Control"] == "no-cache"
    font = next(STATIC.glob("static/media/SourceSans*Upright*"))
    status, headers, content = ask(server, f"/static/media/{font.name}", Accept_Encoding="br, gzip")
    assert (status, headers["Content-Encoding"], content) == (200, None, font.read_bytes())
    assert "immutable" in headers["Cache-Control"]
    assert ask(server, method="POST", Accept_Encoding="br")[0] == 405


def test_every_compressed_name_bears_a_hash():
    names = [file.name for file in (STATIC / "static").rglob("*") if file.suffix in assets.TEXT]
    assert len(names) > 100
    assert all(re.fullmatch(r".+\.[\w-]{8}\.\w+", name) for name in names)


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "app.12345678.js"
    file.write_bytes(b"".join(b"call(%d);" % (number * number) for number in range(400)))
    return file


@pytest.fixture
def made(monkeypatch):
    """What the smallest copies were made of, in turn."""
    made = []
    for coding, slowly in dict(assets.SMALLEST).items():
        monkeypatch.setitem(assets.SMALLEST, coding,
                            lambda content, slowly=slowly: made.append(content) or slowly(content))
    return made


@pytest.fixture(params=["br", "gzip"])
def coding(request):
    return request.param


def smallest(folder, file, coding):
    """The copy that a new process sends once nothing is left to do."""
    copies = Copies(folder)
    copies.get(file, coding)
    copies.large.join()
    return copies.get(file, coding)


def test_who_comes_first_does_not_wait_for_the_smallest_copy(file, tmp_path, monkeypatch, coding):
    go, slowly = Event(), assets.SMALLEST[coding]
    monkeypatch.setitem(assets.SMALLEST, coding, lambda content: go.wait(60) and slowly(content))
    copies = Copies(tmp_path / "copies")
    quick = copies.get(file, coding)
    assert UNPACK[coding](quick.content) == file.read_bytes()
    go.set()
    copies.large.join()
    small = copies.get(file, coding)
    assert len(small.content) < len(quick.content) and small.tag != quick.tag
    assert UNPACK[coding](small.content) == file.read_bytes()


def test_many_at_once_have_a_file_compressed_once(file, tmp_path, monkeypatch):
    made, together = [], Barrier(8)
    monkeypatch.setitem(assets.QUICK, "gzip", lambda content: made.append(content) or gzip.compress(content))
    copies = Copies(tmp_path)
    with ThreadPoolExecutor(8) as visitors:
        sent = list(visitors.map(lambda _visitor: together.wait() >= 0 and copies.get(file, "gzip"), range(8)))
    assert len(made) == 1 and len(set(sent)) == 1
    copies.large.join()


def test_the_smallest_copy_serves_the_next_start_and_other_processes(file, tmp_path, made, coding):
    first = smallest(tmp_path / "copies", file, coding)
    assert smallest(tmp_path / "copies", file, coding) == first == Copies(tmp_path / "copies").get(file, coding)
    assert made == [file.read_bytes()]
    assert [path.name for path in (tmp_path / "copies").iterdir()] == [f"{file.name}.{coding}"]


@pytest.mark.parametrize("damage", [
    lambda copy, file: copy.write_bytes(copy.read_bytes()[:-9]), lambda copy, file: copy.write_bytes(b""),
    lambda copy, file: file.write_bytes(b"another version"),
    lambda copy, file: copy.write_bytes(assets.QUICK[copy.suffix[1:]](b"another")),
    lambda copy, file: copy.write_bytes(copy.read_bytes()[:-20] + bytes(20)),
], ids=["half", "nothing", "a new version of the file", "another file", "noise"])
def test_a_copy_that_is_not_of_this_very_file_is_made_anew(file, tmp_path, made, damage, coding):
    smallest(tmp_path / "copies", file, coding)
    damage(tmp_path / "copies" / f"{file.name}.{coding}", file)
    assert UNPACK[coding](Copies(tmp_path / "copies").get(file, coding).content) == file.read_bytes()
    assert UNPACK[coding](smallest(tmp_path / "copies", file, coding).content) == file.read_bytes()
    assert len(made) > 1


def test_without_a_disk_to_write_on_the_copies_stay_in_memory(file, tmp_path, made, monkeypatch):
    (tmp_path / "copies").write_text("a file in the place of the folder")
    small = smallest(tmp_path / "copies", file, "br")
    assert small.content == assets.SMALLEST["br"](file.read_bytes())
    monkeypatch.setattr(Path, "write_bytes", full)
    assert smallest(tmp_path / "others", file, "br") == small


def full(path, content):
    """As on a disk that is full after the first bytes."""
    with path.open("wb") as file:
        file.write(content[:100])
    raise OSError(28, "No space left on device")


def test_of_what_a_full_disk_has_taken_nothing_is_left(tmp_path, monkeypatch):
    (tmp_path / "copy.br").write_bytes(b"as it was")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError):
        write_whole(tmp_path / "copy.br", b"x" * 1000)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.br"]
    assert (tmp_path / "copy.br").read_bytes() == b"as it was"
