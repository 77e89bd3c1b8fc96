"""The folded graph against the ops it was made from: nothing lost, nothing twice, nothing invented."""

import random

import pytest
import torch
from torch import nn

import lib
from lib.analysis import measure
from lib.analysis.graph import IMAGE, JUNCTIONS, description, fold
from lib.architecture import Stage
from lib.meta import on_meta
from lib.trace import record, shape_text

PRESETS = ["resnet18", "resnet50", "resnet152", "resnext50_32x4d", "vgg16", "vgg11_bn", "alexnet", "densenet121"]


def all_folds(ops) -> list[str]:
    return sorted({f"stage:{op.stage}" for op in ops} | {f"block:{op.block}" for op in ops if op.block})


def some_opened(ops, seed: int) -> frozenset[str]:
    folds, chance = all_folds(ops), random.Random(seed)
    return frozenset(chance.sample(folds, chance.randint(0, len(folds))))


def ops_of(build, stages=(Stage("all", {}),), size: int = 32):
    with on_meta():
        model = build()
    return measure(record(model, (1, 3, size, size)), stages)


def reaches(pairs) -> dict[str, set[str]]:
    """For each node, all nodes that lead to it; pairs come in the order of the forward pass."""
    before: dict[str, set[str]] = {}
    for source, target in pairs:
        before.setdefault(target, set()).update({source}, before.get(source, ()))
    return before


def nodes_of(graph) -> dict[str, str]:
    """For each op's name, the node that holds its row."""
    holders = {row.id: node.id for node in graph.nodes for row in node.rows if row.id.startswith("op:") or node.opens}
    return {op: holders[row] for op, (_, _, row) in graph.places.items()}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("seed", range(8))
def test_any_set_of_open_parts(preset, seed):
    ops = lib.analyze(preset).ops
    graph = fold(ops, some_opened(ops, seed))
    ids = [node.id for node in graph.nodes]
    assert len(ids) == len(set(ids))
    assert all(edge.source in ids and edge.target in ids and edge.source != edge.target for edge in graph.edges)
    rows = [row.id for node in graph.nodes for row in node.rows if row.id.startswith("op:")]
    assert len(rows) == len(set(rows))
    holder = nodes_of(graph)
    assert set(holder) == {op.name for op in ops}  # every op in exactly one node
    before = reaches([(edge.source, edge.target) for edge in graph.edges])
    own = {op.block for op in ops  # not those that an equal block stands for
           if graph.places[op.name][2] in (f"op:{op.name}", f"stage:{op.stage}", f"block:{op.block}")}
    for op in ops:
        for i in op.inputs:
            ends = (IMAGE if i < 0 else holder[ops[i].name]), holder[op.name]
            if ends[0] != ends[1] and op.block in own:
                assert ends[0] in before[ends[1]], f"{ends} is not joined"
    assert before[holder[ops[-1].name]] >= {IMAGE}


@pytest.mark.parametrize("preset", ["resnet50", "vgg16", "alexnet"])
def test_an_edge_carries_the_shape_that_its_reader_takes(preset):
    ops = lib.analyze(preset).ops
    graph = fold(ops, frozenset(all_folds(ops)))
    holder, shapes = nodes_of(graph), {(edge.source, edge.target): edge.shape for edge in graph.edges}
    for op in ops:
        for i, shape in zip(op.inputs, op.in_shapes):
            ends = (IMAGE if i < 0 else holder[ops[i].name]), holder[op.name]
            if graph.places[op.name][2] == f"op:{op.name}" and ends[0] != ends[1] and ends in shapes:
                assert shapes[ends] == shape_text(shape)


def test_resnet152_folds_to_a_handful():
    ops = lib.analyze("resnet152").ops
    folded = fold(ops)
    assert [node.id for node in folded.nodes] == [
        "image", "op:conv1", *(f"stage:conv{i}_x" for i in range(2, 6)), "op:avgpool", "op:fc"]
    assert [node.shortcuts for node in folded.nodes if node.opens] == [3, 8, 36, 3]
    opened = fold(ops, frozenset({"stage:conv4_x"}))
    inside = [node for node in opened.nodes if node.frames == ("stage:conv4_x",)]
    assert [node.id for node in inside] == ["block:layer3.0", "block:layer3.1"]
    assert "×35" in inside[1].rows[0].text


def test_an_equal_block_is_found_in_the_one_that_stands_for_it():
    ops = lib.analyze("resnet152").ops
    graph = fold(ops, frozenset({"stage:conv4_x", "block:layer3.1"}))
    assert graph.row_of("op:layer3.17.conv2") == "op:layer3.1.conv2"
    assert graph.row_of("op:layer3.0.conv2") == "block:layer3.0"
    assert graph.row_of("block:layer2.3") == "stage:conv3_x"
    assert graph.row_of("stage:conv4_x") == "stage:conv4_x"
    assert graph.row_of("stage:conv1") == "stage:conv1"
    assert [graph.row_of(id) for id in ("op:nothing", "block:", "network", "", None)] == [""] * 5


def test_an_open_bottleneck():
    graph = fold(lib.analyze("resnet50").ops, frozenset({"stage:conv2_x", "block:layer1.0"}))
    inside = {node.id: [row.kind for row in node.rows] for node in graph.nodes if "block:layer1.0" in node.frames}
    assert inside == {
        "op:layer1.0.conv1": ["conv2d", "batch_norm", "relu"], "op:layer1.0.conv2": ["conv2d", "batch_norm", "relu"],
        "op:layer1.0.conv3": ["conv2d", "batch_norm"], "op:layer1.0.downsample.0": ["conv2d", "batch_norm"],
        "op:layer1.0.add": ["add"], "op:layer1.0.relu_3": ["relu"]}
    skips = {(edge.source, edge.target) for edge in graph.edges if edge.skip}
    assert skips == {("op:maxpool", "op:layer1.0.downsample.0"), ("op:layer1.0.downsample.0", "op:layer1.0.add")}


def test_the_identity_is_a_skip():
    graph = fold(lib.analyze("resnet18").ops, frozenset({"stage:conv2_x", "block:layer1.0"}))
    assert [(edge.source, edge.target) for edge in graph.edges if edge.skip] == [("op:maxpool", "op:layer1.0.add")]


def test_a_plain_network_has_no_skips():
    ops = lib.analyze("resnet50", residual=False).ops
    graph = fold(ops, frozenset(all_folds(ops)))
    assert not any(edge.skip for edge in graph.edges) and not any(node.shortcuts for node in graph.nodes)


class Branches(nn.Module):
    """Branches of different depth, a concat and a split."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.three, self.four = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        left, right = torch.cat([self.one(x), self.three(self.two(x))], 1).chunk(2, 1)
        return self.four(left) + right


def test_branches():
    graph = fold(ops_of(Branches), frozenset({"stage:all"}))
    assert {node.junction for node in graph.nodes} - {""} == {"cat", "chunk", "add"}
    assert all(len(node.rows) == 1 for node in graph.nodes if node.junction)
    pairs = {(edge.source, edge.target): edge for edge in graph.edges}
    assert not pairs["op:one", "op:cat"].skip  # a branch, not a way past one
    assert pairs["op:chunk", "op:add"].skip
    assert {"add", "cat", "chunk"} <= JUNCTIONS


class Interrupted(nn.Module):
    """A stage whose block is left and entered again."""

    def __init__(self):
        super().__init__()
        self.block = nn.Module()
        self.block.first, self.block.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.between, self.last = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return self.last(self.block.second(self.between(self.block.first(x))))


def test_a_stage_that_ends_between_its_blocks_names_what_repeats():
    rows = {node.rows[0].text: node.rows[1].text for node in fold(lib.analyze("densenet121").ops).nodes if node.opens}
    assert rows["dense block 3 ×24 blocks"] == "1×1 128 · 3×3 32 → 1024×14×14"


def test_an_open_dense_block_has_a_way_past_each_layer():
    graph = fold(lib.analyze("densenet201").ops, frozenset({"stage:dense block 3"}))
    joined = [node.id for node in graph.nodes if node.junction == "cat"]
    assert len(joined) == sum(edge.skip for edge in graph.edges) == 48
    assert len(graph.edges) < 4 * 48


@pytest.mark.parametrize("opened", [[], ["stage:a"], ["stage:a", "block:block.first"]])
def test_a_part_that_is_entered_twice_is_one_node(opened):
    stages = (Stage("a", {"block": "", "last": ""}), Stage("b", {"between": ""}))
    graph = fold(ops_of(Interrupted, stages), frozenset(opened))
    ids = [node.id for node in graph.nodes]
    assert len(ids) == len(set(ids))
    assert {source for edge in graph.edges for source in (edge.source, edge.target)} == set(ids)


def test_the_words_name_every_node_and_shape():
    graph = fold(lib.analyze("resnet50").ops, frozenset({"stage:conv2_x"}))
    words = description(graph)
    assert all(node.rows[0].text in words for node in graph.nodes)
    assert all(edge.shape in words for edge in graph.edges)
    assert "3 shortcuts" not in words.split("conv3_x")[0] and "4 shortcuts inside" in words


def test_blocks_of_other_widths_are_not_equal():
    def pair(channels: int, out: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(channels, out, 1), nn.Conv2d(out, out, 1))

    ops = ops_of(lambda: nn.Sequential(nn.Sequential(pair(3, 4), pair(4, 6), pair(6, 6), pair(6, 6))),
                 (Stage("a", {"0": ""}),))
    graph = fold(ops, frozenset({"stage:a"}))
    assert [node.rows[0].text for node in graph.nodes[1:]] == ["0.0", "0.1", "0.2 to 3 ×2"]
