"""Challenges: solutions pass, starts do not, every goal is needed, links come back as they went, and nothing falls over."""

import random
import re
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import lib
from lib.analysis.counts import QUANTITIES
from lib.analysis.gaps import gaps
from lib.architecture import Impossible
from lib.meta import on_meta
from lib.plan.challenges import OWN, Challenge, challenges, is_solved, judge, read_challenge, written
from lib.plan.goals import FREE, NAMES, SIGNS, Amount, read_goal, read_goals, write_goals
from lib.plan.growing import grow
from lib.plan.language import WORDS, Plan, read
from lib.plan.standing import standing
from tests.engine.test_receptive_field import positive
from tests.plan import variants

OURS = pytest.mark.parametrize("challenge", challenges(), ids=lambda challenge: challenge.id)


def missed(challenge: Challenge, text: str) -> list[str]:
    return [verdict.goal.written() for verdict in judge(challenge, read(text)) if not verdict.passed]


# Those that come with the app

def test_there_are_fifteen_from_easy_to_hard():
    ours = challenges()
    assert len(ours) == len({challenge.id for challenge in ours}) == len({challenge.title for challenge in ours}) == 15
    assert all(one.level <= next.level for one, next in pairwise(ours)) and {each.level for each in ours} == {1, 2, 3}
    assert all(each.text and each.hint and each.solution and each.id != OWN for each in ours)


@OURS
def test_the_solution_passes_and_the_start_does_not(challenge):
    verdicts = judge(challenge, read(challenge.solution))
    assert is_solved(verdicts) and not any(verdict.off for verdict in verdicts)
    assert missed(challenge, challenge.start)
    assert not is_solved(judge(challenge, Plan(read(challenge.start).image)))


@OURS
def test_every_goal_is_needed(challenge):
    """For each there is a network that misses this one and no other."""
    keys = variants.VARIANTS[challenge.id]
    assert len(keys) == len(challenge.goals)
    for goal in challenge.goals:
        key, = (key for key in keys if goal.written().startswith(key))
        assert missed(challenge, variants.plan(challenge.id, key)) == [goal.written()]


@OURS
def test_the_words_are_short_and_tell_no_number_of_a_goal(challenge):
    for sentence in re.split(r"(?<=[.?!]) ", f"{challenge.text} {challenge.hint}"):
        assert len(sentence.split()) < 26 and sentence[-1] in ".?!"
    limits = [goal.limits(challenge.start) for goal in challenge.goals if isinstance(goal, Amount)]
    large = {f"{limit:,}" for pair in limits for limit in pair if 1000 < limit < float("inf")}
    assert not any(number in challenge.text + challenge.hint for number in large)


CHEATS = ["conv 512 1x1 stride=32", "globalpool; flatten; linear 10", "globalpool; flatten; linear 1000",
          "adaptivepool 7x7; conv 512 1x1", "conv 32 3x3 stride=32 padding=1",
          "conv 16 1x1; maxpool 64x64 stride=1 padding=32", "flatten; linear 10",
          "conv 64 3x3 dilation=3 padding=same", "conv 8 1x1; upsample 32", "add { branch {} branch {} }", "identity"]


@OURS
def test_cheap_networks_and_random_ones_do_not_pass(challenge):
    image = challenge.start.partition(";")[0]
    draw = random.Random(challenge.id)
    guesses = ["; ".join(drawn_row(draw) for _ in range(draw.randint(1, 4))) for _ in range(20)]
    for rows in [*CHEATS, *guesses]:
        try:
            plan = read(f"{image}; {rows}")
        except Impossible:
            continue
        assert not is_solved(judge(challenge, plan)), rows


# Quantities, counted another way

class Calls(TorchDispatchMode):
    """The functions that torch really runs."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **kwargs or {})


def counted(text: str) -> dict[str, tuple[int, ...]]:
    """Quantities of a plan by its modules, by torch's own counter of operations, and by the functions that torch runs."""
    plan = read(text)
    with on_meta():
        model = grow(plan).model.eval()
    image = torch.empty(1, *plan.image.shape, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as flops, Calls() as calls:
        model(image)
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    return {
        "params": (sum(parameter.numel() for parameter in model.parameters()),),
        "macs": (flops.get_total_flops() // 2,),
        "convs": (len(convolutions),),
        "linears": (sum(isinstance(module, nn.Linear) for module in model.modules()),),
        "pools": (sum(isinstance(module, (nn.MaxPool2d, nn.AvgPool2d)) for module in model.modules()),),
        "adds": (sum(name in ("add", "add_") for name in calls.names),),
        "joins": (calls.names.count("cat"),),
        "kernel": tuple(sorted({side for module in convolutions for side in module.kernel_size})),
        "groups": tuple(sorted({module.groups for module in convolutions if max(module.kernel_size) > 1
                                and module.in_channels > 4})),
    }


@OURS
def test_quantities_are_those_of_the_modules(challenge):
    for text in (challenge.solution, challenge.start):
        if built := standing(text).analysis:
            found = {name: tuple(QUANTITIES[name].of(built)) for name in QUANTITIES}
            for name, expected in counted(text).items():
                assert tuple(sorted(set(found[name]))) == expected, name
            if not found["adds"][0] + found["joins"][0]:
                assert found["layers"] == (found["convs"][0] + found["linears"][0],)


FIELDS = [
    "conv 4 3x3 padding=same dilation=5", "conv 4 3x3; conv 4 3x3 dilation=2; conv 4 3x3 dilation=4",
    "conv 4 1x1 stride=4; conv 4 3x3", "conv 4 3x3 dilation=2; conv 4 3x3 dilation=2", "conv 4 1x9 dilation=2; conv 4 3x1",
    "maxpool 2x2 stride=3; conv 4 3x3; conv 4 5x5",
    "conv 4 3x3 stride=2 padding=1; add { branch {} branch { conv 4 3x3 padding=same dilation=6 } }",
    "concat { branch { conv 4 3x3 padding=same dilation=7 } branch { conv 4 3x3 padding=same dilation=2 } }",
    "avgpool 3x3 stride=4; upsample 2; conv 4 3x3", "adaptivepool 7x5; conv 3 3x3",
    "conv 8 3x3 padding=same; se; conv 8 3x3 dilation=3",
    "bottleneck 4 stride=2 stride_in_1x1=yes; globalpool; flatten; linear 3", "shuffle_down 8; shuffle_v2",
]


@pytest.mark.parametrize("rows", FIELDS)
def test_fields_and_gaps_are_those_of_the_gradient(rows):
    """Rows and columns of pixels with a gradient from the middle of the last map."""
    text = f"image 3 61x67; {rows}"
    model = positive(grow(read(rows_up_to_the_map(text))).model)
    for gate in model.modules():
        if isinstance(gate, nn.AdaptiveAvgPool2d) and gate.output_size == 1:
            gate.register_forward_hook(lambda module, given, output: output.detach())
    image = torch.ones(1, 3, 61, 67, dtype=torch.float64, requires_grad=True)
    output = model(image)
    output[0, :, output.shape[2] // 2, output.shape[3] // 2].sum().backward()
    seen = image.grad[0].abs().sum(0)
    places = [seen.sum(axis).nonzero().flatten() for axis in (1, 0)]
    extents = [int(each[-1] - each[0]) + 1 for each in places]
    analysis = lib.analyze("own", plan=text)
    assert gaps(analysis) == tuple(extent - len(each) for extent, each in zip(extents, places))
    if analysis.last_map.field.is_regular:
        assert list(analysis.last_map.receptive_field) == extents


def rows_up_to_the_map(text: str) -> str:
    return text.partition("; globalpool")[0]


def test_a_network_of_the_catalogue_has_no_gaps_unless_a_window_strides_past_cells():
    assert gaps(lib.analyze("resnet50")) == gaps(lib.analyze("vgg16")) == (0, 0)
    assert gaps(lib.analyze("own", plan="image 3 64x64; conv 4 1x1 stride=2; conv 4 3x3")) == (2, 2)


# Verdicts

def verdict(goal: str, plan: str, start: str = "image 3 8x8"):
    return read_goal(goal).judged(standing(plan), start)


SIXTY_THREE = "image 3 128x128; repeat 5 { conv 4 3x3 stride=2 padding=1 }"


@pytest.mark.parametrize("goal, plan, passed, words", [
    ("field>=65", SIXTY_THREE, False, "Receptive field: 63 px; wanted: at least 65 px; 2 px missing."),
    ("field>=63", SIXTY_THREE, True, "Receptive field: 63 px; wanted: at least 63 px."),
    ("field<=62", SIXTY_THREE, False, "Receptive field: 63 px; wanted: at most 62 px; 1 px too much."),
    ("field>=9", "image 3 32x32; conv 4 1x9", False, "Receptive field: 1 and 9 px; wanted: at least 9 px; 8 px missing."),
    ("kernel=3", "image 3 32x32; conv 4 1x9; conv 4 3x3", False,
     "Kernel sides: 1, 3 and 9; wanted: exactly 3; 2 too small."),
    ("kernel=3", "image 3 32x32; maxpool 3x3", False, "Kernel sides: none; wanted: exactly 3; there is none yet."),
    ("groups<=1", "image 3 32x32; conv 4 3x3", False, "Groups: none; wanted: at most 1; there is none yet."),
    ("convs>=1", "image 3 32x32", None, "Convolutions: not counted yet; wanted: at least 1; the plan computes nothing yet."),
    ("convs>=1", "image 3 32x32; conv 4 3x3; maxpool 64x64", None,
     "Convolutions: 1 so far; wanted: at least 1; line 3 (maxpool 64x64) cannot be built."),
    ("params=100%start", "image 3 32x32; conv 4 3x3", None,
     "Parameters: 112; wanted: exactly unknown (as the plan to begin with)."),
    ("output=10", "image 3 32x32; conv 10 32x32", False,
     "Output: 10×1×1; wanted: exactly 10 numbers; a row of numbers is wanted, not a map."),
    ("output=8x30x31", "image 3 32x32; conv 8 3x3", False, "Output: 8×30×30; wanted: exactly 8×30×31; other width."),
    ("only=conv,relu", "image 3 32x32; repeat 2 { conv 4 3x3; tanh }", False,
     "Words: conv, tanh; wanted: only conv, relu; tanh not allowed."),
    ("with=add", "image 3 32x32; add { branch {} branch { conv 3 1x1 } }", True, "Words: add, conv; wanted: with add."),
    ("without=add,conv", "image 3 32x32; add { branch {} branch { conv 3 1x1 } }", False,
     "Words: add, conv; wanted: without add, conv; add, conv not allowed."),
])
def test_a_verdict_says_the_own_number_and_what_is_missing(goal, plan, passed, words):
    found = verdict(goal, plan)
    assert (found.passed, found.words) == (passed, words)


@pytest.mark.parametrize("percent, tolerance", [(50, 0), (12.5, 0), (100, 5), (33.33, 0.5), (250, 1)])
def test_shares_of_a_network_are_rounded_inwards(percent, tolerance):
    macs = lib.analyze("resnet18").macs
    least, most = (Fraction(str(percent)) * macs / 100 * (1 + sign * Fraction(str(tolerance)) / 100) for sign in (-1, 1))
    low, high = read_goal(f"macs={percent}%resnet18~{tolerance}").limits()
    assert tolerance == 0 and low == high == round(least) or low - 1 < least <= low <= high <= most < high + 1
    low, _ = read_goal(f"macs>={percent}%resnet18").limits()
    _, high = read_goal(f"macs<={percent}%resnet18").limits()
    assert low - 1 < Fraction(str(percent)) * macs / 100 <= low and high <= Fraction(str(percent)) * macs / 100 < high + 1


# Texts and links

GOALS = ["params<=20000", "field>=65", "convs=3", "output=512x7x7", "output=10", "image=3x224x224", "kernel=3",
         "macs=resnet50~5", "params<=50%lenet5", "macs<=12.5%start", "only=conv,relu", "with=globalpool",
         "without=flatten,linear", "gaps=0",
         "memory<=1000000000000", "macs=4000000~0.25", "groups>=8"]


@pytest.mark.parametrize("text", GOALS)
def test_a_goal_comes_back_from_its_text(text):
    goal = read_goal(text)
    assert goal.written() == text and read_goal(goal.written()) == goal


@pytest.mark.parametrize("text", [
    "", "params", "params<20000", "params<=", "params<=-1", "params<=1e6", "params<=2000000000000", "color=red",
    "field>=65 px",
    "output<=10", "output=0", "output=1x2", "output=1x2x3x4", "only=", "only=image", "only=conv,what", "macs=50%20000",
    "macs<=resnet50~5", "macs<=own", "macs=resnet50~51", "macs=0.001%resnet50", "macs=nosuch", "kernel=3x3",
    "params<=" + "9" * 200, "params=__import__('os')"])
def test_a_goal_that_is_none_is_refused_in_a_sentence(text):
    with pytest.raises(Impossible) as refused:
        read_goal(text)
    assert_one_sentence(refused.value)


def assert_one_sentence(error: Impossible) -> None:
    assert str(error)[-1] in ".?" and len(str(error)) < 400 and str(error).isprintable()


def test_what_is_typed_a_little_differently_means_the_same():
    assert read_goal(" field >= 65 ") == read_goal("field>=65")
    assert read_goal("output=512×7×7") == read_goal("output=512x7x7")
    assert read_goals("convs=3; ; convs=3;") == (read_goal("convs=3"),) * 2
    assert read_goal("macs=ResNet50") == read_goal("macs=resnet50")


def own(challenge: Challenge) -> Challenge:
    return challenge.model_copy(update={"id": OWN, "solution": ""})


@OURS
def test_challenges_come_back_from_links(challenge):
    assert read_challenge(written(challenge)) == challenge and written(challenge) == challenge.id
    assert read_challenge(written(own(challenge))) == own(challenge)
    assert challenge.solution not in written(own(challenge))


def test_random_challenges_come_back_from_links():
    draw = random.Random(1)
    letters = "abc |\\;=<>&%é中🙂\u200d#{}" + "'\""
    for _ in range(200):
        made = Challenge.read({
            "level": draw.randint(1, 3), "title": "T" + drawn(draw, letters, 60), "text": drawn(draw, letters, 300),
            "hint": drawn(draw, letters, 300), "goals": "; ".join(draw.sample(GOALS[:9] + GOALS[10:], draw.randint(1, 12))),
            "start": draw.choice(challenges()).start})
        assert read_challenge(written(made)) == made
        assert read_goals(write_goals(made.goals)) == made.goals


def drawn(draw: random.Random, letters: str, most: int) -> str:
    return "".join(draw.choices(letters, k=draw.randint(0, most)))


def damaged(draw: random.Random, text: str) -> str:
    place, kind = draw.randrange(len(text)), draw.randrange(5)
    letter = draw.choice("|\\;=<>%~x0 9zé\n\x00\u202e\ud800{}")
    before, after = text[:place], text[place + 1:]
    return [before, before + after, before + letter + text[place:], before + letter + after, text[place:]][kind]


def test_damaged_links_are_refused_in_a_sentence():
    draw, refused = random.Random(2), 0
    long = [own(each).model_copy(update={"start": each.solution, "hint": "é|" * 150}) for each in challenges()]
    texts = [written(each) for each in (*map(own, challenges()), *long)]
    assert any(text.startswith("z") for text in texts) and any("|" in text for text in texts)
    for _ in range(900):
        text = draw.choice(texts)
        for _ in range(draw.randint(1, 3)):
            text = damaged(draw, text) if text else text
        try:
            assert isinstance(read_challenge(text), Challenge)
        except Impossible as error:
            refused += 1
            assert_one_sentence(error)
    assert refused > 450


@pytest.mark.parametrize("text", [
    "", "nosuch", "|||||", "1|T|||convs=1|image 3 32x32|", "4|T|||convs=1|image 3 32x32", "1||||convs=1|image 3 32x32",
    "1|T||||image 3 8x8", "1|T|||convs=1|", "1|T|||params<=50%start|image 3 32x32", "1|T\x07|||convs=1|image 3 32x32",
    "1|T\u202e|||convs=1|image 3 32x32",
    f"1|{'T' * 81}|||convs=1|image 3 32x32", f"1|T|{'t' * 401}||convs=1|image 3 32x32", "1|T\\x|||convs=1|image 3 32x32",
    "1|T|||" + ";".join(f"convs={number}" for number in range(13)) + "|image 3 32x32",
    "1|T|||convs=1|image 3 32x32" + " " * 30_000])
def test_wrong_challenges_are_refused_in_a_sentence(text):
    with pytest.raises(Impossible) as refused:
        read_challenge(text)
    assert_one_sentence(refused.value)


def test_a_form_can_be_made_of_what_is_declared():
    assert set(NAMES) == set(QUANTITIES) | {"output", "image", "only", "with", "without"}
    assert set(NAMES["params"].model_fields["comparison"].annotation.__args__) == set(SIGNS.values())
    for declared in (Challenge, *set(NAMES.values())):
        for name, field in declared.model_fields.items():
            assert field.title and field.description or name in ("id", "solution")
    assert all(Amount(quantity=name).title and quantity.help for name, quantity in QUANTITIES.items())
    totals = {quantity.total for quantity in QUANTITIES.values()} - {""}
    assert totals == {"params", "macs", "activation_bytes", "weight_layers", "receptive_field"}
    assert FREE < set(WORDS)


# Any plan

def drawn_row(draw: random.Random, levels: int = 0) -> str:
    word = draw.choice(sorted(set(WORDS) - {"image", "branch"}))
    text = WORDS[word].usual
    if draw.random() < 0.5:
        text = re.sub("[0-9]+", lambda found: str(draw.choice([1, 2, 3, 4, 5, 8, 16, int(found[0])])), text)
    if word in ("repeat", "stage", "add", "concat"):
        rows = ["; ".join(drawn_row(draw, levels + 1) for _ in range(draw.randint(0, 3)) if levels < 3)
                for _ in range(draw.randint(0, 3))]
        inside = "; ".join(f"branch {{ {row} }}" for row in rows) if word in ("add", "concat") else "".join(rows[:1])
        return f"{text} {{ {inside} }}"
    return text


def test_the_judge_says_something_of_every_plan():
    draw, passed, built = random.Random(3), 0, 0
    every = Challenge.read({"start": "image 3 32x32; conv 8 3x3", "goals": (
        "params<=50000; macs<=resnet50; memory<=100%start; layers>=2; field>=3; gaps=0; convs>=1; kernel<=5; groups=1; "
        "output=10; only=conv,relu,add; image=3x32x32")})
    for _ in range(500):
        size = draw.choice(["32x32", "8x8", "1x1", "64x48", "224x224"])
        text = f"image {draw.choice([1, 3, 64])} {size}; " + "; ".join(drawn_row(draw) for _ in range(draw.randint(0, 6)))
        try:
            plan = read(text)
        except Impossible:
            continue
        verdicts = judge(every, plan)
        assert len(verdicts) == 12 and all(verdict.words.endswith(".") for verdict in verdicts)
        passed += sum(verdict.passed is True for verdict in verdicts)
        built += verdicts[0].passed is not None
    assert passed > 200 and built > 60


@pytest.mark.parametrize("rows", [
    "add { branch {} }", "repeat 200 { repeat 200 { repeat 200 { identity } } }",
    "repeat 200 { repeat 200 { repeat 200 {} } }", "upsample 32; upsample 32; upsample 32; upsample 32",
    "repeat 200 { conv 1 1x1 padding=64 }", "stage a { stage b {} }",
    "concat { branch { flatten } branch { flatten } }", "flatten; softmax; batchnorm"])
def test_plans_that_are_small_and_would_grow_without_end_are_judged_too(rows):
    challenge = Challenge.read({"goals": "params<=1; field>=1; gaps=0; output=1; memory<=1; layers<=1"})
    assert len(judge(challenge, read(f"image 3 32x32; {rows}"))) == 6
