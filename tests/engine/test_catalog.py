"""What every family owes: knobs with labels and help, stages that hold every op, refusals with values that work."""

import ast
import random
import re
from importlib import import_module
from inspect import getsource
from pathlib import Path

import pytest

import lib
from lib import catalog
from lib.absent import ABSENT
from lib.analysis.derivation import derive
from lib.analysis.outline import outline
from lib.architecture import Impossible, bounds, is_sequence, options

FAMILIES = list(catalog.families().values())
ROOT = Path(lib.__file__).parent


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.id)
def test_a_family_is_complete(family):
    for name, knob in family.knobs.model_fields.items():
        assert knob.title and knob.description, name
        assert knob.annotation is bool or is_sequence(family.knobs, name) or options(family.knobs, name) \
            or knob.annotation is str or bounds(family.knobs, name)
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
    classes = {cls for family in FAMILIES if family.paper for cls in vars(import_module(f"lib.models.{family.id}")).values()
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


@pytest.mark.parametrize("preset, knobs", [
    ("resnet50", {}), ("resnext50_32x4d", {}), ("vgg16_c", {}), ("vgg11_bn", {}), ("alexnet_2012", {}),
    ("resnet18", {"input_size": "200x330", "in_channels": 4, "output_stride": 8})])
def test_derivations_come_to_their_results(preset, knobs):
    analysis = lib.analyze(preset, **knobs)
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
    ("lessons", ("lib.ui", "streamlit")),
    ("plan", ("lib.figures", "lib.ui", "streamlit", "plotly", "graphviz")),
    ("questions", ("lib.figures", "lib.ui", "streamlit", "plotly")),
])
def test_who_may_know_whom(folder, forbidden):
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    for file in files:
        assert not {name for name in imports(file) if name.startswith(forbidden)}, file


def test_in_a_lesson_steps_and_figures_alone_draw():
    """What it computes and asks knows nothing of how it is drawn; its figures nothing of torch."""
    drawing, shared = {"steps.py", "figures.py"}, {"content.py"}
    for file in (ROOT / "lessons").rglob("*.py"):
        found = imports(file)
        if file.name not in drawing | shared:
            assert not any(name.startswith(("lib.figures", "plotly")) or name.endswith(".figures") for name in found), file
        if file.name == "figures.py":
            assert not any(name.split(".")[0] == "torch" for name in found), file


def test_only_the_pages_side_knows_streamlit():
    for file in ROOT.rglob("*.py"):
        if "ui" not in file.relative_to(ROOT).parts:
            assert not any(name.split(".")[0] == "streamlit" for name in imports(file)), file
    assert "torch" not in imports(ROOT / "architecture.py")


def test_what_is_dear_is_kept_in_one_place():
    """`lib/once.py`; torch's layers are copied in `lib/meta.py`, which is no result of anything."""
    for file in ROOT.rglob("*.py"):
        text, name = file.read_text(), file.relative_to(ROOT).as_posix()
        assert "lru_cache" not in text or name == "meta.py", name
        assert "cachetools" not in imports(file) or name == "once.py", name
        assert "cache_data" not in text and "cache_resource" not in text, name


@pytest.mark.parametrize("name, preset", {
    "resnet20": "resnet20_cifar", "ResNet-110": "resnet110_cifar", "resnet164": "resnet164_cifar", "plain-20": "plain20_cifar",
    "vgg-16": "vgg16", "VGG16": "vgg16", "vgg_16_bn": "vgg16_bn", "ResNet-50": "resnet50", "resnet_50": "resnet50",
    "resnet50_v1.5": "resnet50", "resnet_v1_50": "resnet50_v1", "wide_resnet50": "wide_resnet50_2",
    "WRN-50-2": "wide_resnet50_2", "WRN-28-10": "wrn_28_10", "wide resnet 28-10": "wrn_28_10",
    "PreAct-ResNet-18": "resnetv2_18_cifar", "SENet-154": "senet154", "ResNeXt-29 (8x64d)": "resnext29_8x64d_cifar",
    "resnet-v2-50": "resnetv2_50", "ResNet50V2": "resnetv2_50", "preresnet-164": "resnetv2_164_cifar",
    "se_resnet50": "seresnet50", "seresnet-50": "seresnet50", "SE-ResNeXt-50": "seresnext50_32x4d",
    "sknet50": "skresnext50_32x4d", "SKNet-101": "sknet101", "skresnet50": "skresnet50",
    "resnext50": "resnext50_32x4d", "ResNeXt-50 (32×4d)": "resnext50_32x4d",
    "ResNet-50-D": "resnet50d", "resnest50": "resnest50d",
    "GoogLeNet": "googlenet", "inception_v1": "googlenet", "Inception v2": "bn_inception", "bn-inception": "bn_inception",
    "inceptionv3": "inception_v3", "inception3": "inception_v3",
    "mobilenet_v1": "mobilenetv1_100", "mobilenetv2": "mobilenet_v2",
    "DenseNet-121": "densenet121", "LeNet-5": "lenet5", "zf": "zfnet", "zf-net": "zfnet", "AlexNet": "alexnet", "alexnet2012": "alexnet_2012",
}.items())
def test_a_usual_other_name_leads_to_its_network(name, preset):
    assert catalog.find(name) == preset == lib.analyze(name).preset


def named_in(sentence: str) -> set[str]:
    """The presets that a sentence names, apart from what was typed."""
    return set(re.findall(r"[\w-]+", re.sub("“.*?”", "", sentence))) & set(lib.presets())


@pytest.mark.parametrize("name, words, networks", [
    ("condensenet", "no CondenseNet in the catalogue", {"densenet121"}), ("FractalNet-20", "no FractalNet in the catalogue", set()),
    ("densenet", "several", set(catalog.families()["densenet"].presets)),
    ("densenet264", "there are", set(catalog.families()["densenet"].presets)),
    ("efficientnet_b0", "no EfficientNet", {"mobilenet_v2"}), ("mobilenetv3_large", "no MobileNet v3", {"mobilenet_v2"}),
    ("xception", "no Xception", {"mobilenetv1_100"}), ("inception_v4", "no Inception v4", {"inception_v3"}),
    ("inception_resnet_v2", "no Inception-ResNet", {"inception_v3"}), ("convnext_tiny", "no ConvNeXt", {"resnet50"}),
    ("vit_b_16", "no ViT", set()), ("unet", "no U-Net", set()), ("squeezenet1_1", "no SqueezeNet", set()),
    ("regnet_y_400mf", "no RegNet", {"resnext50_32x4d"}), ("nasnetalarge", "no NASNet", set()), ("swin_t", "no Swin", set()),
    ("ResNet in ResNet", "no ResNet in ResNet", set()), ("highway", "no Highway", set()), ("NiN", "no NiN", set()),
    ("caffenet", "no CaffeNet", {"alexnet_2012"}), ("wrn-22-8", "there are", {"wide_resnet50_2", "wide_resnet101_2", *catalog.families()["wide_resnet"].presets}),
    ("lenet", "several networks", {"lenet5_1998", "lenet5", "lenet5_28"}),
    ("inception", "several", {"googlenet", "bn_inception", "inception_v3", "inception_v3_auxiliary"}),
    ("fpn", "several", {"resnet50_fpn", "resnet101_fpn", "resnext101_32x8d_fpn"}),
    ("shufflenetv2", "several", {f"shufflenet_v2_x{scale}" for scale in ("0_5", "1_0", "1_5", "2_0")}),
    ("vgg", "several", set(catalog.families()["vgg"].presets)), ("vgg-17", "there are", set(catalog.families()["vgg"].presets)),
    ("resnt18", "did you mean", {"resnet18"}), ("resnet200", "did you mean", {"resnetv2_200"}),
    ("googlnet", "did you mean", {"googlenet"}),
    ("", "the families are LeNet-5", set()), ("![x](y)", "the families are LeNet-5", set()),
    ("x" * 10_000, "the families are", set()),
])
def test_any_other_name_gets_a_true_sentence(name, words, networks):
    with pytest.raises(Impossible) as raised:
        catalog.find(name)
    assert words in str(raised.value) and named_in(str(raised.value)) == networks
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 500


@pytest.mark.parametrize("name", ["resnet26", "resnet19", "resnest200", "resnet101e"])
def test_other_numbers_are_not_a_slip(name):
    with pytest.raises(Impossible, match="there are"):
        catalog.find(name)


def test_names_are_apart():
    presets = [catalog._spelt(preset) for preset in lib.presets()]
    others = [catalog._spelt(name) for family in FAMILIES for entry in family.presets.values() for name in entry.also]
    assert len(set(presets + others)) == len(presets + others)
    for missing, nearest in ABSENT.items():
        assert nearest in ("", *lib.presets())
        with pytest.raises(Impossible, match=f"There is no {missing} in the catalogue"):
            catalog.find(missing)
