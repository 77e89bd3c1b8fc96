"""Plans as files: each runs alone, is named and computes as the network that `grow` builds, and reads well."""

import ast
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
import torch
from torch import nn

from lib import catalog
from lib.architecture import Impossible
from lib.meta import on_meta
from lib.plan.borrowed import rename
from lib.plan.catalogue import plan_of
from lib.plan.challenges import challenges
from lib.plan.folding import WIDTH, fold
from lib.plan.growing import grow
from lib.plan.language import WORDS, Holder, Image, Plan, read
from lib.plan.own import FIRST
from lib.plan.source import source

RESIDUAL = """
image 3 16x16
stage stem { conv 8 3x3 padding=same bias=no; batchnorm; relu }
repeat 3 {
  add {
    branch { conv 8 3x3 padding=same bias=no; batchnorm; relu; conv 8 3x3 padding=same bias=no; batchnorm }
    branch {}
  }
  relu
}
stage halved {
  add {
    branch { conv 16 3x3 stride=2 padding=1; relu; add { branch { conv 16 1x1 }; branch { conv 16 3x3 padding=same } } }
    branch { avgpool 2x2; conv 16 1x1 }
  }
}
globalpool; flatten; dropout 0.3; linear 10"""

DENSE = """
image 3 16x16
conv 8 3x3 padding=same
repeat 4 { concat { branch {}; branch { batchnorm; relu; conv 4 3x3 padding=same } } }
stage block { repeat 2 { repeat 3 { concat { branch {}; branch { conv 4 1x1; relu6 } } }; batchnorm } }
concat { branch { conv 4 1x1 }; branch { relu }; branch {}; branch { maxpool 3x3 stride=1 padding=1 }; branch { identity } }
add { branch {}; branch {}; branch {}; branch { tanh }; branch {} }
flatten; repeat 3 { linear 6; relu }; softmax"""

SHAPES_DIFFER = """
image 2 8x8
repeat 3 { flatten; linear 12; sigmoid }
repeat 2 { }
stage empty { }
add { branch {}; branch {} }
concat { branch { linear 3 }; branch {} }"""

STRANGE_NAMES = "image 3 8x8; " + "; ".join(
    f"stage {name} {{ add {{ branch {{ conv 3 1x1; relu }} branch {{}} }}; conv 3 1x1 }}" for name in (
        "x", "nn", "torch", "Tensor", "Network", "in_channels", "channels", "print", "OrderedDict", "true", "a_b", "aB",
        "Block", "Stage", "stage1", "super", "int", "forward_"))

SAME_NAMES = ("image 3 32x32; conv 8 1x1; inception_bn 4 4 4 4 4 4; repeat 2 { inception 4 4 4 4 4 4 norm=yes }; "
              "sk_unit 8 groups=2; sk_basic 32; bottleneck 8 shortcut=C; inception_bn 0 4 4 4 4 0 max_pool=yes; globalpool; "
              "flatten; linear 10")

WRITTEN = {"residual": RESIDUAL, "dense": DENSE, "shapes differ": SHAPES_DIFFER, "strange names": STRANGE_NAMES,
           "same names": SAME_NAMES, "empty": "image 3 4x4"}

ARRIVING = ("conv 64 1x1", "conv 6 1x1", "conv 240 1x1", "globalpool; flatten")


def network_of(text: str) -> nn.Module:
    """The network of a file, which has the namespace of a module by itself."""
    namespace = {"__name__": "network"}
    exec(compile(text, "network.py", "exec"), namespace)
    return namespace["Network"]()


def trained_once(model: nn.Module, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The output and the gradients of one pass in training."""
    torch.manual_seed(0)
    output = model.train()(images)
    if output.requires_grad:
        output.square().sum().backward()
    return output.detach(), [parameter.grad for parameter in model.parameters()]


def check(plan: Plan) -> None:
    """The file needs nothing of ours; its network has the names of the grown one, and computes the same with its weights."""
    text = source(plan)
    ours, theirs = network_of(text), grow(plan).model
    ours.load_state_dict(theirs.state_dict(), strict=True)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    over, expected = ({name: repr(each) for name, each in model.named_modules() if isinstance(each, (nn.ReLU, nn.ReLU6))}
                      for model in (ours, theirs))
    assert over == expected  # which of them work in the memory of what they read
    images = torch.randn(2, *plan.image.shape)
    torch.testing.assert_close(trained_once(ours, images), trained_once(theirs, images), rtol=0, atol=0)
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(images), theirs.eval()(images), rtol=0, atol=0)
    imported = {(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
                for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Import, ast.ImportFrom))}
    assert imported <= {"torch", *sys.stdlib_module_names}
    assert not [line for line in text.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_written_plan_computes_the_same(text):
    check(read(text))


@pytest.mark.parametrize("text", [FIRST, *(challenge.solution for challenge in challenges())])
def test_every_example_of_the_page_computes_the_same(text):
    """Large pictures are made small."""
    plan = read(text)
    large = plan.image.size not in (28, 32)
    check(replace(plan, image=plan.image.model_copy(update={"size": 33})) if large else plan)


def example(word: str) -> Plan:
    """A small plan with a word, after something that it can read."""
    for before in ARRIVING:
        plan = read(f"image 3 8x8; {before}; repeat 1 {{ {WORDS[word].usual} }}; stage again {{ {WORDS[word].usual} }}")
        first = Plan(plan.image, plan.rows[:-1])
        with on_meta():
            for each in (plan, first):
                if not grow(each).refused:
                    return each
    raise AssertionError(word)


@pytest.mark.parametrize("word", [name for name, word in WORDS.items() if not issubclass(word, (Holder, Image))])
def test_every_word_computes_the_same(word):
    check(example(word))


def presets_of_each_family(most: int) -> list[str]:
    """The first presets of each family of the catalogue."""
    families: dict[str, list[str]] = {}
    for preset in catalog.published():
        families.setdefault(catalog.get(preset).id, []).append(preset)
    return [preset for presets in families.values() for preset in presets[:most]]


@pytest.mark.parametrize("preset", presets_of_each_family(2))
def test_the_catalogue_s_networks_have_their_parameters(preset):
    architecture = catalog.get(preset)
    knobs = architecture.knobs.read(architecture.presets[preset].knobs)
    try:
        plan = plan_of(preset, knobs)
    except Impossible as why:
        pytest.skip(str(why))
    with on_meta():
        ours, grown, theirs = network_of(source(plan)), grow(plan).model, architecture.build(knobs)
    assert [(name, value.shape) for name, value in ours.state_dict().items()] == [
        (name, value.shape) for name, value in grown.state_dict().items()]
    assert sorted(value.shape for value in ours.parameters()) == sorted(value.shape for value in theirs.parameters())


SMALL = {"lenet5_1998": 32, "googlenet": 32, "bn_inception": 32, "inception_v3": 96, "resnet18": 32, "resnet18d": 32,
         "resnext50_32x4d": 32, "resnetv2_50": 32, "wrn_16_4": 16, "resnet20_cifar": 16, "seresnet18": 32, "skresnet18": 32,
         "resnest14d": 32, "mobilenetv1_100": 32, "mobilenet_v2": 32, "shufflenet_g3": 64, "shufflenet_v2_x1_0": 32}
"""Networks and sides of the image."""


@pytest.mark.parametrize("preset", SMALL)
def test_the_catalogue_s_networks_compute_the_same(preset):
    architecture = catalog.get(preset)
    check(plan_of(preset, architecture.knobs.read(architecture.presets[preset].knobs | {"input_size": SMALL[preset]})))


@pytest.mark.parametrize("text", [RESIDUAL, SAME_NAMES], ids=["residual", "same names"])
def test_a_file_runs_alone(tmp_path, text):
    plan = read(text)
    (tmp_path / "network.py").write_text(source(plan), encoding="utf-8")
    run = subprocess.run([sys.executable, "-I", "-W", "error", "network.py"], cwd=tmp_path, capture_output=True, text=True,
                         timeout=100, check=False)
    params = sum(parameter.numel() for parameter in grow(plan).model.parameters())
    assert (run.returncode, run.stdout) == (0, f"{params:,} parameters, output (1, 10)\n"), run.stderr


def test_a_file_notices_that_it_was_changed():
    text = source(read("image 3 8x8; conv 4 3x3; flatten; linear 10"))
    for right, wrong in {"Conv2d(3, 4, 3)": "Conv2d(3, 4, 3, bias=False)", "== (1, 10)": "== (1, 11)"}.items():
        wrong = text.replace(right, wrong)
        assert wrong != text
        with pytest.raises(AssertionError):
            exec(compile(wrong, "network.py", "exec"), {"__name__": "__main__"})


def test_two_blocks_of_one_name_stand_in_one_file():
    text = source(read(SAME_NAMES))
    classes = [line for line in text.splitlines() if line.startswith("class")]
    assert [line for line in classes if "Inception" in line or "Filters" in line] == [
        "class GooglenetFilters(NamedTuple):", "class GooglenetInception(nn.Module):", "class Filters(NamedTuple):",
        "class Inception(nn.Module):"]
    assert rename("def f(x: A = A(1)) -> 'A':\n    return 'é', A, x.A", {"A": "BB"}) == (
        "def f(x: BB = BB(1)) -> 'A':\n    return 'é', BB, x.A")


def test_only_what_is_needed_is_in_a_file():
    text = source(read("image 3 8x8; conv 4 3x3 # import os\n; relu"))
    assert text.split("\n\n\n")[0] == (
        '"""A network, from the plan: image 3 8x8; conv 4 3x3; relu"""\n\nimport torch\nfrom torch import Tensor, nn')
    shortcuts = source(read("image 3 8x8; basic 8 shortcut=A"))
    assert "import torch.nn.functional as F" in shortcuts and "class ZeroPadding" in shortcuts
    assert "def projection" in shortcuts and "Bottleneck" not in shortcuts and "def stage" not in shortcuts


def test_a_repeated_group_is_one_class():
    text = source(read(DENSE))
    assert "nn.Sequential(*(Block(channels) for channels in range(8, 24, 4)))" in text
    assert text.count("class Block") == 4  # dense, dense of another kind, both of these, linear
    assert "Basic" not in text and "self.repeat1 = nn.Sequential(*(Block(8) for _ in range(3)))" in source(read(RESIDUAL))
    blocks = source(read("image 3 8x8; repeat 2 { basic 8 }; repeat 4 { basic 8 }"))
    assert "self.repeat1 = nn.Sequential(BasicBlock(3, 8), BasicBlock(8, 8))" in blocks
    assert "self.repeat2 = nn.Sequential(*(BasicBlock(8, 8) for _ in range(4)))" in blocks


def test_forward_says_what_is_added():
    assert "        return self.relu1(self.add1[0](x) + x)\n" in source(read(RESIDUAL))
    assert "        return torch.cat([x, self.concat1[1](x)], 1)\n" in source(read(DENSE))
    twice = source(read("image 3 8x8; add { branch {}; branch {} }"))
    assert "        return x + x\n" in twice and "self.add1" not in twice


@pytest.mark.parametrize("text", [RESIDUAL, DENSE, SHAPES_DIFFER, STRANGE_NAMES])
def test_lines_are_short(text):
    assert max(map(len, source(read(text)).splitlines())) <= WIDTH


def test_folding_changes_no_code():
    code = ("x = f(" + ", ".join(f"g({number}, [h({number}), (1, 2)], k={number})" for number in range(9))
            + ", *(B(n, 2) for n in range(1, 2)))")
    assert ast.dump(ast.parse(fold(code))) == ast.dump(ast.parse(code))
    assert max(map(len, fold(code, 8).splitlines())) <= WIDTH < len(code)
    assert fold("a = f(g(x=1, y=2,))") == "a = f(g(\n    x=1,\n    y=2,\n))"


def test_a_refused_plan_has_no_file():
    with pytest.raises(Impossible, match="flatten makes"):
        source(read("image 3 8x8; linear 10"))


ROWS = ("conv 8 3x3 padding=same", "conv 16 1x1 bias=no", "batchnorm; relu", "relu6", "maxpool 3x3 stride=1 padding=1",
        "avgpool 2x2", "basic 8", "se reduction=4", "preact 4", "shuffle_v2", "globalpool kind=both", "flatten; linear 9",
        "lrn 5", "identity")


def random_rows(random: Random, levels: int) -> str:
    found = []
    for _ in range(random.randint(0, 4)):
        kind = random.choice(["repeat", "stage", "add", "concat", "row", "row", "row"] if levels else ["row"])
        inside = [random_rows(random, levels - 1) for _ in range(random.randint(1, 6))] if levels else []
        branches = " ".join(f"branch {{ {rows} }}" for rows in inside)
        found.append({"repeat": f"repeat {random.randint(1, 4)} {{ {inside and inside[0]} }}", "row": random.choice(ROWS),
                      "stage": f"stage s{len(found)} {{ {inside and inside[0]} }}", "concat": f"concat {{ {branches} }}",
                      "add": f"add {{ {branches} }}"}[kind])
    return "; ".join(found)


def runs(plan: Plan) -> bool:
    """Whether the grown network can be trained: one cell cannot be normalised, and what is needed may be written over."""
    with suppress(ValueError, RuntimeError):
        trained_once(grow(plan).model, torch.randn(2, *plan.image.shape))
        return True
    return False


@pytest.mark.parametrize("seed", range(12))
def test_random_plans_compute_the_same(seed):
    """As many rows of ten random plans as build a network."""
    random, checked = Random(seed), 0
    for _ in range(10):
        plan = read(f"image {random.choice([1, 3, 8])} 8x8; {random_rows(random, 3)}")
        with on_meta():
            end = grow(plan).refused
        plan = Plan(plan.image, plan.rows[:end.place[0]] if end else plan.rows)
        if runs(plan):
            check(plan)
            checked += 1
    assert checked > 3
