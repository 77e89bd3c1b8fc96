"""The text of a plan: what is written is read back, a wrong line is named, and a server's limits hold."""

import random

import pytest

import lib
from lib.architecture import Impossible
from lib.limits import limits
from lib.plan import growing, linked, own
from lib.plan.blocks import Block
from lib.plan.language import WORDS, Holder, Plan, Row, lines, read, read_word, write, write_on_one_line
from lib.plan.linked import packed, unpacked
from tests.plan.byhand import Description, draw_plan
from tests.plan.test_words import LAYERS, drawn

IMAGE = "image 3 32x32"


@pytest.fixture
def limited(monkeypatch):
    """`limited(plan_rows=10)`: a server with other limits."""
    def limit(**changed: int) -> None:
        for module in (growing, linked, own):
            monkeypatch.setattr(module, "limits", lambda: limits().model_copy(update=changed))
    return limit


def rows(draw: random.Random, depth: int = 0) -> tuple[Row, ...]:
    """Rows of any words with any values, which no network needs to have."""
    found = []
    for _ in range(draw.randint(0, 4)):
        name = draw.choice([*LAYERS, "repeat", "stage", "add", "concat"] if depth < 4 else [*LAYERS])
        if name in LAYERS:
            found.append(Row(drawn(draw, WORDS[name])))
        elif name in ("add", "concat"):
            branches = tuple(Row(read_word(["branch"]), rows(draw, depth + 2)) for _ in range(draw.randint(0, 3)))
            found.append(Row(read_word([name]), branches))
        else:
            found.append(Row(read_word([name, str(draw.randint(1,
                200)) if name == "repeat" else f"part_{draw.randint(0, 99)}"]),
                             rows(draw, depth + 1)))
    return tuple(found)


@pytest.mark.parametrize("number", range(60))
def test_what_is_written_is_read_back(number):
    draw = random.Random(number)
    size = f"{draw.randint(1, 2048)}x{draw.randint(1, 2048)}"
    plan = Plan(read_word(["image", str(draw.randint(1, 64)), size]), rows(draw))
    for text in (write(plan), write_on_one_line(plan)):
        assert read(text) == plan == read(unpacked(packed(text)))
        assert write(read(text)) == write(plan)
    assert len(lines(plan)) == write(plan).count("\n") and "\n" not in write_on_one_line(plan)
    if len(lines(plan)) <= limits().plan_rows:
        knobs = own.OwnKnobs.read({"plan": packed(write(plan))})
        assert knobs.plan == write_on_one_line(plan) and own.plan_of(knobs) == plan
        assert own.OwnKnobs.read(knobs.model_dump()) == knobs


def test_a_plan_as_a_person_writes_it():
    """Comments, empty lines, several rows in a line, braces anywhere: it is the same plan."""
    text = ("# mine\n\n  image 3 32x32   # a picture\nconv 16 3×3 padding=same;relu\n\nrepeat 2\n{ add { branch {conv 16 3x3 padding=1\n}"
            "branch }\n\trelu }   globalpool; flatten;; linear 10 bias=false #end")
    plain = ("image 3 32x32; conv 16 3x3 padding=same; relu; repeat 2 {add {branch {conv 16 3x3 padding=1};branch {};}"
             "relu}; globalpool; flatten; linear 10 bias=no")
    assert read(text) == read(plain) == read(write(read(text)))


@pytest.mark.parametrize("number", range(40))
def test_plans_of_others_are_read_as_they_stand(number):
    """Those that the tests write themselves."""
    plan: Description = draw_plan(random.Random(number))
    found = read(plan.text)

    def same(ours, theirs) -> bool:
        return len(ours) == len(theirs) and all(
            our.word == read_word(their.line.split()) and same(our.rows, their.rows) for our, their in zip(ours, theirs))
    assert same(found.rows, plan.rows) and found.image.shape == (plan.channels, *plan.sides)


@pytest.mark.parametrize("word", WORDS.values(), ids=list(WORDS))
def test_what_a_new_row_begins_as_is_a_row(word):
    found = read_word(word.usual.split())
    assert type(found) is word and read_word(found.written().split()) == found
    assert word.__doc__ and word.title and all(field.title for field in word.model_fields.values())
    assert word.group == ("Structure" if issubclass(word, Holder) or word.name() == "image" else
                          "Blocks" if issubclass(word, Block) or word.name() == "radial_basis" else "Layers")


def test_all_digits_of_a_number_are_kept():
    for digits in ("0.0123456789", "1e-07", "0.1", "1.2345678901e-05"):
        assert read_word(read_word(["batchnorm", f"eps={digits}"]).written().split()).eps == float(digits)


@pytest.mark.parametrize("line, says", [
    ("foo 3", "there is no word “foo”"), ("convv 3 3x3", "did you mean “conv”?"), ("Conv 3 3x3", "did you mean “conv”?"),
    ("conv", "needs its channels and its kernel, as in “conv 64 3x3 padding=same”"), ("conv 3", "needs its kernel"),
    ("conv 3 3x3 3", "“3” has no place in “conv”"), ("conv 3 3x3 foo=1", "has no value “foo”; it has stride, padding"),
    ("relu foo=1", "it has none beside those in order"), ("conv 3 3x3 stride=1 stride=2", "“stride” is given twice"),
    ("conv 3 3x3 channels=4", "“channels” stands without its name"), ("conv 3 stride=2 3x3",
    "those without a name come first"),
    ("conv 3 3x3 =2", "has no value “”"), ("conv 3 3x3 stride=", "stride =  is not possible"),
    ("conv 0 3x3", "channels = 0 is not possible: choose a whole number from 1 to 16384"),
    ("conv 3.5 3x3", "channels = 3.5"),
    ("conv -3 3x3", "channels = -3"), ("conv 99999999999999999999 3x3", "channels = 99999999999999999999"),
    ("conv ٣ 3x3", "channels = ٣"), ("conv 3 ٣x٣", "kernel = ٣x٣"), ("conv ３ 3x3", "channels = ３"),
    ("conv 3 3x3 stride=²", "stride = ²"),
    ("conv 3 3x3x3", "kernel = 3x3x3"), ("conv 3 0x3", "kernel = 0x3"), ("conv 3 65x3", "kernel = 65x3"),
    ("conv 3 3x3 bias=maybe", "bias = maybe"),
    ("dropout 1e999", "share = 1e999"), ("dropout nan", "share = nan"), ("dropout -0.1", "share = -0.1"),
    ("dropout ٠.٥", "share = ٠.٥"),
    ("batchnorm eps=inf", "eps = inf"), ("batchnorm eps=0", "eps = 0 is not possible: choose a number above 0, up to 1"),
    ("globalpool kind=least", "choose one of average, max, both"), ("repeat 0", "times = 0"), ("repeat 201", "times = 201"),
    ("repeat", "needs its times"),
    ("stage forward", "cannot be the name of a stage"), ("stage training", "cannot be the name"),
    ("stage __class__", "cannot be the name"),
    ("stage 0", "cannot be the name"), ("stage a.b", "cannot be the name"), ("stage _modules", "cannot be the name"),
    ("stage lambda", "cannot be the name"),
    ("stage append", "cannot be the name"), ("stage é", "cannot be the name"), ("stage " + "a" * 32, "cannot be the name"),
    ("image 3 32x32", "has no other"), ("branch {}", "add and concat hold branches alone, and only they do"),
    ("add { relu }", "add and concat hold branches alone"), ("relu { relu }",
    "a { stands after repeat, stage, add, concat or branch"),
    ("{ relu }", "a { stands after"), ("repeat 2 { relu } { relu }", "a { stands after"),
    ("repeat 2 {} { relu }", "a { stands after"), ("}", "there is a } that closes nothing"),
    ("repeat 2 { relu", "the { of “repeat 2” is not closed"), ("repeat 2 { " * 12, "12 levels deep at most")])
def test_a_sentence_names_the_wrong_line(line, says):
    for before in ("", "conv 3 3x3\n# a comment\n", "repeat 2 {\n relu }\n\n"):
        with pytest.raises(Impossible) as raised:
            read(f"{IMAGE}\n{before}{line}\nrelu")
        number = 2 + before.count("\n")
        assert f"Line {number}" in str(raised.value) and says in str(raised.value) and "\n" not in str(raised.value)
        assert str(raised.value).endswith((".", "?"))


@pytest.mark.parametrize("text, says", [
    ("", "The plan is empty"), (" \n;;\n# image 3 32x32", "The plan is empty"),
    ("relu", "Line 1, “relu”: a plan begins with the picture"),
    ("\n\nconv 3 3x3\nimage 3 32x32", "Line 3, “conv 3 3x3”: a plan begins with the picture"),
    ("image 4097 32x32", "channels = 4097"),
    ("image 3 2049x3", "size = 2049x3"), ("image 3 0x3", "size = 0x3")])
def test_a_plan_begins_with_the_picture(text, says):
    with pytest.raises(Impossible) as raised:
        read(text)
    assert says in str(raised.value)


def test_a_link_holds_long_plans_compressed_and_says_where_it_is_damaged():
    text = f"{IMAGE}; " + "; ".join(f"stage part_{number} {{ conv {number + 1} 3x3 padding=same; relu }}" for number in range(90))
    held = packed(text)
    assert held[0] == "z" and len(held) < len(text) / 4 and packed(IMAGE) == IMAGE
    assert unpacked(held) == text
    for cut in (held[:-1], held[:-30], held[:40], held[:60] + "AAAA" + held[64:], "z" + "A" * 40, "z" + held):
        with pytest.raises(Impossible, match="The plan in this link is damaged"):
            own.OwnKnobs.read({"plan": cut})
    many = "# " + "é" * 19_900 + f"\n{IMAGE}"
    assert unpacked(packed(many)) == many


def test_a_server_limits_characters_and_rows(limited):
    limited(plan_characters=200, plan_rows=10)
    with pytest.raises(Impossible, match="This plan is longer than the 200 characters that this server allows."):
        own.OwnKnobs.read({"plan": f"{IMAGE}; {'relu; ' * 40}"})
    with pytest.raises(Impossible, match="This plan is longer than the 200 characters"):
        own.OwnKnobs.read({"plan": packed(f"{IMAGE}; {'relu; ' * 400}")})
    own.OwnKnobs.read({"plan": f"{IMAGE}; {'relu; ' * 9}"})
    with pytest.raises(Impossible, match="This plan has 11 lines; this server allows 10."):
        own.OwnKnobs.read({"plan": f"{IMAGE}; {'relu; ' * 10}"})


def test_a_server_limits_operations_and_parameters(limited):
    limited(plan_operations=10, plan_parameters=1000)
    lib.analyze("own", plan=f"{IMAGE}; repeat 5 {{ relu; tanh }}")
    with pytest.raises(Impossible, match="In repetition 6: With this row the network has more than 10 operations"):
        lib.analyze("own", plan=f"{IMAGE}; repeat 6 {{ relu; tanh }}")
    lib.analyze("own", plan="image 3 4x4; conv 10 3x3 bias=no; conv 73 1x1 bias=no")
    with pytest.raises(Impossible, match="With this row the network has 1,010 parameters; this server allows 1,000."):
        lib.analyze("own", plan="image 3 4x4; conv 10 3x3 bias=no; conv 74 1x1 bias=no")
    with pytest.raises(Impossible, match="more than 20 parts that compute nothing"):
        lib.analyze("own", plan=f"{IMAGE}; repeat 200 {{}}")
