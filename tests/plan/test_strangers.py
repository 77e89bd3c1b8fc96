"""Plans of strangers: nothing of them is run as code, nothing but `Impossible` leaves, and none takes long or much memory.

More of them: `PLANS=50000 SEED=7 pytest tests/plan/test_strangers.py`.
"""

import os
import random
import resource
import sys
import time
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest

import lib
from lib.architecture import Impossible
from lib.plan.language import WORDS, read
from lib.plan.linked import packed, unpacked
from lib.plan.own import OwnKnobs

TEXTS, SEED = int(os.environ.get("PLANS", 2000)) // 4, int(os.environ.get("SEED", 0))
IMAGE = "image 3 32x32"
DOORS: dict[str, Callable[[str], object]] = {
    "read": read, "unpacked": unpacked, "knobs": lambda text: OwnKnobs.read({"plan": text}),
    "analyze": lambda text: lib.analyze("own", plan=text)}
FORBIDDEN = ("exec", "compile", "import", "open", "os.", "subprocess.", "socket.", "pickle.", "ctypes.", "shutil.",
    "tempfile.", "marshal.")

watched: list[str] | None = None


def _hook(event: str, _arguments: tuple) -> None:
    if watched is not None and event.startswith(FORBIDDEN):
        watched.append(event)


sys.addaudithook(_hook)


@pytest.fixture(scope="module", autouse=True)
def warm():
    """What is loaded at the first use is loaded."""
    for word in WORDS.values():
        for arrives in (IMAGE, f"{IMAGE}; flatten"):
            assert_harmless(f"{arrives}; {word.usual}", watch=False)


def assert_harmless(text: str, watch: bool = True) -> list[str | None]:
    """No exception but `Impossible`, whose message is one line; and no event that runs or opens anything. Returns what each
    door says."""
    global watched
    said = []
    for door in DOORS.values():
        watched = [] if watch else None
        try:
            door(text)
            said.append(None)
        except Impossible as error:
            said.append(str(error))
            assert "\n" not in said[-1] and 10 < len(said[-1]) < 1000
        events, watched = watched, None
        assert not events, (text[:200], events)
    return said


@pytest.mark.parametrize("text", [
    "__import__('os').system('touch x')", "eval", "exec", "lambda: 0", f"{IMAGE}; __import__('os')", f"{IMAGE}; eval 3",
    f"{IMAGE}; lambda x: x",
    f"{IMAGE}; conv __import__('os') 3x3", f"{IMAGE}; conv 3 3x3 bias=open('x','w')", f"{IMAGE}; stage __import__",
    f"{IMAGE}; stage __class__",
    f"{IMAGE}; conv 3 3x3 __class__=3", f"{IMAGE}; conv 3 3x3 call=3", f"{IMAGE}; conv 3 3x3 model_fields=3",
    f"{IMAGE}; conv 3 3x3 title=x",
    f"{IMAGE}; {{}}.__class__", f"{IMAGE}; %s %d {{0}} ${{x}}", f"{IMAGE}; f\"{{1+1}}\"", "import os; os.system('x')",
    f"{IMAGE}; conv 1e3 3x3",
    f"{IMAGE}; conv 0x10 3x3", f"{IMAGE}; preact 64 order=__init__", f"{IMAGE}; basic 64 shortcut=print",
    f"{IMAGE}; globalpool kind=__doc__",
    "\x00", "image\x003 32x32", "\ud800", f"{IMAGE}; stage \udfff", "image 3 32x32\u2028conv\x854 3x3",
    "\ufeffimage 3 32x32", "𝟛", "z" * 30,
    "z" + "A" * 31, "z" + "_" * 40, "{" * 5000, "}" * 5000, f"{IMAGE}; " + "repeat 2 {" * 1500,
    f"{IMAGE}; conv {'9' * 5000} 3x3",
    f"{IMAGE}; conv 3 {'9' * 5000}x3", f"{IMAGE}; dropout {'9' * 5000}", f"{IMAGE}; dropout 1e{'9' * 500}",
    f"{IMAGE};" * 1200,
    f"{IMAGE}; stage {'a' * 19_000}", "#" * 20_000, "=" * 20_000, f"{IMAGE}; conv {'=' * 19_000}",
    f"{IMAGE}; conv " + "a=1 " * 4000])
def test_a_strange_text_is_refused(text):
    *_others, knobs, analyze = assert_harmless(text)
    assert analyze is not None and knobs is not None


@pytest.mark.parametrize("name", ["training", "forward", "_modules", "__class__", "__dict__", "__init__", "append",
    "T_destination", "0", "a.b", "", "def",
                                  "parameters", "weight", "conv1", "add", "branch", "x" * 31])
def test_a_stage_takes_the_place_of_nothing(name):
    """A name that a module has for its own use is refused; any other is a name and nothing else."""
    said = assert_harmless(f"{IMAGE}; stage {name} {{ conv 4 3x3 }}; linear 3")
    if name in ("weight", "conv1", "add", "branch", "x" * 31):
        assert "Line 5 (linear 3): A map of 4×30×30 arrives" in said[-1]
    else:
        assert "cannot be the name of a stage" in said[-1] or name == "" and "needs its name" in said[-1]


@pytest.mark.parametrize("value", [None, 5, 1.5, True, b"image 3 32x32", ["image 3 32x32"], {"image": 3}, ("image", 3)])
def test_what_is_no_text_is_no_plan(value):
    for door in (DOORS["knobs"], DOORS["analyze"]):
        with pytest.raises(Impossible, match="A plan is a text, such as “image 3 32x32; "):
            door(value)


def random_text(draw: random.Random) -> str:
    """Bytes, signs of any script, words of the language in any order, or a plan that was changed in some places."""
    tokens = [*WORDS, *"{}{};;\n", "3", "16", "3x3", "1x7", "stride=2", "padding=same", "groups=3", "bias=no", "channels=3",
        "kind=both", "#", "=", "-1",
              "1e999", "nan", "٣", "99999999999999999999", "branch {}", "stage a", "repeat 200", "image 3 8x8", "shortcut=A",
              "x", "\t", "×"]
    kind = draw.randint(0, 4)
    if kind == 0:
        return draw.randbytes(draw.randint(0, 200)).decode("latin-1")
    if kind == 1:
        return "".join(chr(draw.choice((draw.randint(0, 0x24F), draw.randint(0, 0x10FFFF)))) for _ in range(draw.randint(0,
            100)))
    if kind == 2:
        return "image 2 12x9\n" + " ".join(draw.choice(tokens) for _ in range(draw.randint(0, 60)))
    rows = [draw.choice([word.usual for word in WORDS.values()]) for _ in range(draw.randint(1, 8))]
    text = list("image 6 12x9\n" + draw.choice(("\n", "; ", " { ", " } ")).join(rows))
    for _ in range(draw.randint(0, 4)):
        place = draw.randrange(len(text))
        text[place:place + draw.randint(0, 3)] = draw.choice((*tokens, "", chr(draw.randint(1, 0x2FFF))))
    return "".join(text)


def test_random_texts_are_read_or_refused():
    draw, refused = random.Random(SEED), 0
    for _ in range(TEXTS):
        text = random_text(draw)
        refused += assert_harmless(text)[-1] is not None
        if draw.random() < 0.2:
            held = list("z" + urlsafe_b64encode(zlib.compress(text.encode(errors="replace"))).decode().rstrip("="))
            held[draw.randrange(1, len(held))] = draw.choice("Az0_-")
            assert_harmless("".join(held))
    assert 0.5 * TEXTS < refused < TEXTS, "some are plans"


def compressed(data: bytes) -> str:
    return "z" + urlsafe_b64encode(zlib.compress(data, 9)).decode().rstrip("=")


def repeated(byte: bytes, count: int) -> bytes:
    """The compressed form of so many equal bytes, made without them."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(byte * 2**20) for _ in range(count // 2**20)) + packer.flush()


@pytest.fixture(scope="module")
def bombs() -> dict[str, str]:
    once = repeated(b"\0", 10**8)
    nested = "z" + urlsafe_b64encode(zlib.compress(once, 9)).decode().rstrip("=")
    wide = "naive_inception 4096 4096 4096 4096 4096 4096"
    stages = "".join(f"stage a{number} {{}}; " for number in range(300))
    return {
        "a hundred megabytes of zeros": "z" + urlsafe_b64encode(once).decode().rstrip("="), "compressed twice": nested,
        "within itself": compressed(nested.encode()),
        "just too long": compressed(f"{IMAGE}; {'relu; ' * 4000}".encode()), "not text": compressed(b"\xff\xfe" * 99),
        "four bytes each": compressed("𝟛".encode() * 20_001),
        "very long": f"{IMAGE}; " + "conv 4 3x3; " * 200_000, "very long link": "z" + "A" * 5_000_000,
        "repetitions": f"{IMAGE}; " + "repeat 200 { " * 4 + "conv 3 1x1 " + "}" * 4,
        "empty repetitions": f"{IMAGE}; " + "repeat 200 { " * 11 + "}" * 11,
        "identities": f"{IMAGE}; " + "repeat 200 { " * 4 + "identity " + "}" * 4,
        "empty branches": f"{IMAGE}; " + "repeat 200 { " * 4 + "add { branch {} }" + "}" * 4,
        "empty stages": f"{IMAGE}; repeat 200 {{ repeat 200 {{ {stages} }} }}",
        "deep sums": f"{IMAGE}; " + "add { branch { " * 5 + "relu" + " } branch {} }" * 5,
        "wide layers": f"{IMAGE}; flatten; " + "linear 65536; " * 20,
        "wide picture": "image 64 2048x2048; flatten; linear 65536",
        "large kernels": "image 64 2048x2048; conv 16384 64x64 padding=64",
        "wide blocks": f"image 64 2048x2048; repeat 200 {{ {wide} }}",
        "codes": "image 64 2048x2048; flatten; radial_basis 1000", "up": f"{IMAGE}; " + "upsample 32; " * 30,
        "up and wide": "image 64 2048x2048; upsample 32; conv 16384 1x1",
        "unequal cells": "image 1 2048x2048; upsample 1; repeat 200 { conv 1 63x63 padding=same; relu }",
        "unequal maps": "image 1 2040x2040; add { branch { maxpool 2x2; upsample 2 }; branch {} }; repeat 200 { conv 1 63x63 padding=same }",
        "padding": "image 1 8x8; repeat 200 { repeat 20 { conv 1 1x1 padding=64 } }",
        "doubled channels": f"{IMAGE}; repeat 60 {{ concat {{ branch {{}} branch {{}} }} }}",
        "doubled numbers": f"{IMAGE}; flatten; repeat 60 {{ concat {{ branch {{}} branch {{}} }} }}",
        "channels at most": "image 1 1x1; repeat 19 { concat { branch {} branch {} } }; conv 16384 64x64 padding=64"}


@pytest.mark.parametrize("name", [
    "a hundred megabytes of zeros", "compressed twice", "within itself", "just too long", "not text", "four bytes each",
    "very long", "very long link",
    "repetitions", "empty repetitions", "identities", "empty branches", "empty stages", "deep sums", "wide layers",
    "wide picture", "large kernels",
    "wide blocks", "codes", "up", "up and wide", "unequal cells", "unequal maps", "padding", "doubled channels",
    "doubled numbers", "channels at most"])
def test_a_bomb_does_not_go_off(name, bombs):
    """Seconds of the processor, and megabytes; torch's own networks of the catalogue take as much."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    for door in ("unpacked", "knobs", "analyze"):
        try:
            DOORS[door](bombs[name])
        except Impossible as error:
            assert "\n" not in str(error)
    assert time.process_time() - start < 8
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000, "kilobytes"


def test_the_same_plan_packed_is_as_harmless():
    plan = f"{IMAGE}; " + "; ".join(f"stage s{number} {{ conv 8 3x3 padding=same }}" for number in range(60))
    assert_harmless(packed(plan))
    assert lib.analyze("own", plan=packed(plan)).params == lib.analyze("own", plan=plan).params
