"""What every family owes: knobs with labels and help, stages that hold every op, refusals with values that work."""

import ast
import random
from importlib import import_module
from inspect import getsource
from pathlib import Path

import pytest

import lib
from lib import catalog
from lib.analysis.derivation import derive
from lib.analysis.outline import outline
from lib.architecture import Impossible, bounds, is_sequence, options

FAMILIES = list(catalog.families().values())
ROOT = Path(lib.__file__).parent


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.id)
def test_a_family_is_complete(family):
    for name, knob in family.knobs.model_fields.items():
        assert knob.title and knob.description, name
        assert knob.annotation is bool or is_sequence(family.knobs, name) or options(family.knobs, name) or bounds(family.knobs, name)
    for preset, entry in family.presets.items():
        analysis = lib.analyze(preset)
        names = [stage.name for stage in family.stages(analysis.knobs)]
        assert entry.note
        assert [part.name for part in outline(analysis).children] == names
        assert not analysis.unknown
        places = [(op.stage, op.block, op.label) for op in analysis.ops]
        assert len(set(places)) == len(places)


CHOICES = [(next(iter(family.presets)), name, value) for family in FAMILIES for name in family.knobs.model_fields
           for value in (options(family.knobs, name) or ((False, True) if family.knobs.model_fields[name].annotation is bool else ()))]


@pytest.mark.parametrize("preset, name, value", CHOICES)
def test_every_choice_builds_or_says_what_would(preset, name, value):
    try:
        analysis = lib.analyze(preset, **{name: value})
    except Impossible as refusal:
        assert refusal.fixes
        for knob, values in refusal.fixes.items():
            for fix in values:
                lib.analyze(preset, **({name: value} | {knob: fix}))
        return
    assert not analysis.unknown and analysis.params and analysis.receptive_field


def test_every_class_fits_on_a_screen():
    classes = {cls for family in FAMILIES for cls in vars(import_module(f"lib.models.{family.id}")).values()
               if isinstance(cls, type) and hasattr(cls, "forward") and cls.__module__.startswith("lib.models")}
    assert len(classes) > 20
    for cls in classes:
        assert len(getsource(cls).splitlines()) <= 45, cls
        assert cls.__doc__, cls


@pytest.mark.parametrize("preset", lib.presets())
def test_parts_add_up(preset):
    analysis = lib.analyze(preset)
    root = outline(analysis)
    for quantity in ("params", "macs", "activation_bytes"):
        assert getattr(root, quantity) == getattr(analysis, quantity)
        for part in root.walk():
            if part.children:
                assert sum(getattr(child, quantity) for child in part.children) == getattr(part, quantity)


def worked_out(text: str) -> float:
    """A derivation's numbers as Python would work them out."""
    for sign, python in {"·": "*", "−": "-", "⌊": "int(", "⌋": ")", ",": "", "⌈": "-int(-", "⌉": ")"}.items():
        text = text.replace(sign, python)
    return eval(text, {"__builtins__": {"int": int}})


@pytest.mark.parametrize("preset", ["resnet50", "resnext50_32x4d", "vgg16_c", "vgg11_bn", "alexnet_2012"])
def test_derivations_come_to_their_results(preset):
    analysis = lib.analyze(preset)
    checked = 0
    for part in outline(analysis).walk():
        for step in derive(part, analysis.ops):
            if step.numbers and "∪" not in step.numbers and "high" not in step.numbers:
                result = step.result.split(" ")[0].replace(",", "")
                assert worked_out(step.numbers) == int(result), (part.id, step)
                checked += 1
    assert checked > 50


ODD = [None, "", "nan", "1e309", "<script>", -1, 0, 10**12, 3.7, "٣", [], {}, "3,4,6,3", "a,b", (1, 2, 3, 4), True, b"64", object()]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_given_only_a_plain_refusal_comes_back(seed):
    draw = random.Random(seed)
    preset = draw.choice(lib.presets())
    names = [*catalog.get(preset).knobs.model_fields, "nonsense"]
    knobs = {draw.choice(names): draw.choice(ODD) for _ in range(draw.randint(1, 3))}
    try:
        catalog.configure(preset, knobs)
    except Impossible as refusal:
        assert "\n" not in str(refusal) and len(str(refusal)) < 400


@pytest.mark.parametrize("preset, knobs", [
    ("resnext50_32x4d", {"width": 24}), ("resnet50", {"width": 8, "base_width": 100}), ("resnet18", {"base_width": 128}),
    ("resnet34", {"stride_in_1x1": True}), ("vgg11", {"pointwise_third": True}), ("alexnet", {"groups": 2}),
    ("alexnet_2012", {"width": 100}), ("alexnet", {"input_size": 40}), ("alexnet_2012", {"input_size": 224}),
    ("alexnet_2012", {"input_size": 320}), ("resnest50d", {"width": 8, "base_width": 24, "radix": 2}), ("resnest50d", {"base_width": 9}),
    ("resnest50d", {"base_width": 65, "radix": 3}), ("resnest50d", {"cardinality": 3, "base_width": 40}),
    ("seresnet18", {"cardinality": 2}), ("seresnet34", {"place": "post"}), ("seresnet18", {"stride_in_1x1": True}),
    ("skresnet18", {"base_width": 8}), ("skresnext50_32x4d", {"split_input": True, "branches": 3}),
    ("resnet18d", {"stride_in_1x1": True}),
])
def test_every_value_offered_instead_works(preset, knobs):
    with pytest.raises(Impossible) as raised:
        lib.analyze(preset, **knobs)
    fixes = raised.value.fixes
    assert fixes
    for name, values in fixes.items():
        assert values
        for value in values:
            lib.analyze(preset, **(knobs | {name: value}))


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {name for node in ast.walk(tree) for name in (
        [alias.name for alias in node.names] if isinstance(node, ast.Import)
        else [node.module] if isinstance(node, ast.ImportFrom) and node.module else [])}


@pytest.mark.parametrize("folder, forbidden", [
    ("models", ("lib.analysis", "lib.trace", "lib.figures", "lib.ui", "streamlit", "plotly", "torchvision")),
    ("analysis", ("lib.figures", "lib.ui", "streamlit", "plotly", "graphviz")),
    ("figures", ("lib.ui", "streamlit", "torch")),
    ("lessons", ("lib.figures", "lib.ui", "streamlit")),
])
def test_who_may_know_whom(folder, forbidden):
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    for file in files:
        assert not {name for name in imports(file) if name.startswith(forbidden)}, file


def test_only_the_pages_side_knows_streamlit():
    for file in ROOT.rglob("*.py"):
        if "ui" not in file.relative_to(ROOT).parts:
            assert not any(name.split(".")[0] == "streamlit" for name in imports(file)), file
    assert "torch" not in imports(ROOT / "architecture.py")
