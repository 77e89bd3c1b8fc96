"""What a network sees, against torch's own forward pass, loops written out, and autograd."""

import random
import re
import urllib.error
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

import lib
from lib import weights
from lib.architecture import Impossible
from lib.inside import links, looking, running
from lib.inside.drawing import Drawing
from lib.inside.effective import IMAGES, effective
from lib.inside.explain import explain
from lib.inside.fields import seen
from lib.inside.gates import gate_values, gates
from lib.inside.networks import OfImageNet, shipped_networks
from lib.inside.pictures import Example, Photo, examples
from lib.inside.sums import Formula, Largest, Moved, Weighted
from lib.inside.weights import Gone
from lib.lab import curves
from lib.measuring import seeded
from lib.once import forget
from lib.records import Network
from lib.trace import tensors_in
from lib.training.loop import Training, state_of
from lib.training.recipe import Recipe
from lib.training.records import Curve, Entrant, Epoch

SMALL = {"width": 8, "depths": (1, 1, 1, 1), "input_size": 33, "num_classes": 10}
NETWORKS = {"lenet5_1998": {}, "resnet20_cifar": {"n": 1, "se": True}, "skresnet18": SMALL, "resnest14d": SMALL,
            "alexnet_2012": {}, "resnet18d": SMALL, "shufflenet_g3_x0_5": {"input_size": 32},
            "mobilenetv1_025": {"input_size": 32}, "resnet34_c": SMALL | {"head": "both"}}
"""Among them are groups, strides, dilations, ceiled pooling, every kind of junction and both heads."""


def filled(analysis):
    """The network with weights and statistics that all matter."""
    with seeded(0):
        model = analysis.architecture.build(analysis.knobs).eval()
        for name, tensor in model.state_dict().items():
            if name.endswith("running_mean") or name.endswith("bias"):
                tensor.normal_()
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
        return model, torch.randn(analysis.input_shape)


def module_outputs(model, image):
    """What each module gives when it first runs, by its path."""
    outputs = {}

    def note(name):
        def hook(module, given, output):
            outputs.setdefault(name, tensors_in((output,))[0].clone())
        return hook
    handles = [module.register_forward_hook(note(name)) for name, module in model.named_modules()]
    with torch.inference_mode():
        model(image)
    for handle in handles:
        handle.remove()
    return outputs


@pytest.mark.parametrize("preset", NETWORKS)
def test_the_sum_behind_a_cell_is_what_torch_gives(preset):
    """In every operation: the numbers come to the cell's value, and a number that is handed on is the one named."""
    analysis, draw = lib.analyze(preset, **NETWORKS[preset]), random.Random(preset)
    model, image = filled(analysis)
    outputs = module_outputs(model, image)
    with torch.inference_mode():
        for op in analysis.ops:
            call = running.call_at(model, image, op.index)
            maps = running.as_maps(call.given)
            assert tuple(maps.shape) == running.maps_shape(op.out_shapes)
            if op.name == op.path and [other.path for other in analysis.ops].count(op.path) == 1:
                torch.testing.assert_close(call.given[0], outputs[op.path])
            for cell in [tuple(draw.randrange(size) for size in maps.shape) for _ in range(2)]:
                made = explain(op, call, cell)
                assert made.value == maps[cell].item()
                assert made.result == pytest.approx(made.value, rel=1e-4, abs=1e-4), (op.name, cell)
                if isinstance(made, Moved) and made.source is not None:
                    source = tensors_in((*call.arguments, *call.named.values()))[made.source]
                    assert running.as_maps((source,))[made.place].item() == made.value, op.name


def hooked(model, image, path):
    """What the module at `path` is given and gives."""
    held = []
    handle = model.get_submodule(path).register_forward_hook(
        lambda module, given, output: held.append((given[0].clone(), output.clone())))
    with torch.inference_mode():
        model(image)
    handle.remove()
    return held[0]


def test_a_convolution_s_numbers_written_out():
    """Groups, stride, padding and bias in plain loops over torch's own input and weights."""
    analysis = lib.analyze("alexnet_2012")
    model, image = filled(analysis)
    for op in [op for op in analysis.ops if op.kind == "conv2d"][:3]:
        module = model.get_submodule(op.path)
        (given, output), (stride, padding) = hooked(model, image, op.path), (module.stride[0], module.padding[0])
        out_channels, read, height, width = module.weight.shape
        for number, row, column in ((0, 0, 0), (out_channels - 1, 5, 3)):
            total, first = module.bias[number].item(), number // (out_channels // module.groups) * read
            for channel in range(read):
                for y in range(height):
                    for x in range(width):
                        at = row * stride - padding + y, column * stride - padding + x
                        if 0 <= at[0] < given.shape[2] and 0 <= at[1] < given.shape[3]:
                            total += given[0, first + channel, *at].item() * module.weight[number, channel, y, x].item()
            with torch.inference_mode():
                made = explain(op, running.call_at(model, image, op.index), (number, row, column))
            assert isinstance(made, Weighted) and made.channels == tuple(range(first, first + read))
            assert made.result == pytest.approx(total, rel=1e-9)
            assert made.value == pytest.approx(total, rel=1e-3) and made.value == output[0, number, row, column].item()
            assert made.by_channel.sum() + made.bias == pytest.approx(total, rel=1e-9)


def test_formulas_say_what_they_are_made_of():
    analysis = lib.analyze("resnet18d", **SMALL)
    model, image = filled(analysis)
    norm, pool = (next(op for op in analysis.ops if op.kind == kind) for kind in ("batch_norm", "max_pool2d"))
    given, output = hooked(model, image, norm.path)
    module = model.get_submodule(norm.path)
    with torch.inference_mode():
        made = explain(norm, running.call_at(model, image, norm.index), (3, 2, 1))
        largest = explain(pool, running.call_at(model, image, pool.index), (1, 0, 0))
    assert isinstance(made, Formula) and isinstance(largest, Largest)
    assert made.numbers == {"x": given[0, 3, 2, 1].item(), "μ": module.running_mean[3].item(),
                            "σ²": module.running_var[3].item(), "ε": module.eps, "γ": module.weight[3].item(),
                            "β": module.bias[3].item()}
    assert made.value == output[0, 3, 2, 1].item()
    assert made.general == "γ · (x − μ) / √(σ² + ε) + β"
    assert largest.inside.sum() == 4 and largest.inside.size == 9  # in the corner of a padded 3x3 window


@pytest.mark.parametrize("preset, layer", [
    ("lenet5", "c3"), ("plain20_cifar", "layer2.0.conv2"), ("resnet18", "layer2.0.add")])
def test_a_cell_s_field_is_where_its_gradient_is(preset, layer):
    """All weights and pixels positive, so that no gradient is 0 by chance."""
    analysis = lib.analyze(preset, input_size=32)
    op = next(op for op in analysis.ops if op.name == layer)
    with seeded(0):
        model = analysis.architecture.build(analysis.knobs).eval().requires_grad_(False)
    for tensor in model.parameters():
        tensor.abs_()
    shape = running.maps_shape(op.out_shapes)
    for cell in ((0, 0, 0), (0, shape[1] - 1, shape[2] // 2)):
        image = torch.rand(analysis.input_shape, requires_grad=True)
        running.as_maps(running.call_at(model.double(), image.double(), op.index).given)[cell].backward()
        rows, columns = (torch.nonzero(image.grad[0].sum((0, axis))).flatten().tolist() for axis in (2, 1))
        assert seen(analysis, op, cell).on_picture() == ((rows[0], rows[-1]), (columns[0], columns[-1]))


def test_weights_that_come_with_the_app_know_their_digits():
    for name, subject in shipped_networks().items():
        pictures = subject.pictures
        model = subject.build("trained")
        images, truth = subject.many(120), pictures.labels[pictures.training:][:120]
        with torch.inference_mode():
            wrong = (running.outputs(model, images)[0].argmax(1) != truth).float().mean().item()
            untrained = running.outputs(subject.build("untrained"), images)[0]
        assert wrong < 0.12 and cross_entropy(untrained, truth) > 1.5, name
        place = examples(pictures, 7)[2]
        analysis = subject.analysis()
        picture = pictures.for_network(analysis.knobs.in_channels, analysis.knobs.sides)[place:place + 1]
        assert pictures.labels[place] == 7 and place >= pictures.training
        with torch.inference_mode():
            expected = model(picture)[0].softmax(0)
        np.testing.assert_allclose(looking.scores(subject, "trained", Example(7, 2)), expected, atol=1e-6)


@pytest.mark.parametrize("name, module", [
    ("se", "layer2.1.se.sigmoid"), ("sk", "layer2.0.conv1.attn"), ("split", "layer1.0.conv2")])
def test_gates_are_what_the_modules_give(name, module):
    subject, picture = shipped_networks()[name], Example(5, 1)
    gate = next(gate for gate in gates(subject.analysis()) if module.startswith(gate.block))
    values = gate_values(subject, "trained", picture, gate)
    model, image = subject.build("trained"), subject.normalised(subject.pixels(picture))
    if name == "split":  # its weights are no module's output: the sum of the gated splits is
        relu = []
        model.get_submodule(module).relu.register_forward_hook(lambda module, given, output: relu.append(output.clone()))
        _, output = hooked(model, image, module)
        splits = relu[0].unflatten(1, (gate.branches, -1))[0]
        np.testing.assert_allclose((splits * torch.from_numpy(values)[..., None, None]).sum(0), output[0], atol=1e-4)
    else:
        np.testing.assert_allclose(values.flatten(), hooked(model, image, module)[1].flatten(), atol=1e-6)
    if gate.branches > 1:
        np.testing.assert_allclose(values.sum(0), 1, atol=1e-5)


def test_the_effective_field_is_autograd_s():
    subject = shipped_networks()["lenet5"]
    op = next(op for op in subject.analysis().ops if op.name == "s2")
    found = effective(subject, "trained", op.index)
    model, images = subject.build("trained"), subject.many(IMAGES).requires_grad_()
    held = []
    model.s2.register_forward_hook(lambda module, given, output: held.append(output))
    model(images)
    rows, columns = held[0].shape[2:]
    with seeded(0):
        mixture = torch.randn(IMAGES, held[0].shape[1])
    (held[0][:, :, rows // 2, columns // 2] * mixture).sum().backward()
    gradient = images.grad.abs().sum((0, 1))
    np.testing.assert_allclose(found.columns, gradient.sum(0) / gradient.sum(), atol=1e-5)
    assert found.size == op.field.side and found.outside == 0


# Drawings and links

def test_a_drawing_becomes_as_coarse_as_the_digits():
    cells = np.zeros((32, 32), np.uint8)
    cells[0:31, 10:14] = 1  # as high as a digit is made, so that nothing is enlarged
    drawing = Drawing(np.packbits(cells).tobytes())
    small = drawing.pixels()[0, 0]
    middle = np.zeros((32, 32))
    middle[0:31, 14:18] = 1
    for row in range(8):
        for column in range(8):
            assert small[row, column].item() == middle[4 * row:4 * row + 4, 4 * column:4 * column + 4].sum() / 16
    assert Drawing.read(drawing.write()) == drawing and not drawing.is_empty and Drawing().is_empty
    assert Drawing().pixels().abs().sum() == 0
    for broken in ("", "abc", "ä" * 171, "A" * 172):
        with pytest.raises(Impossible):
            Drawing.read(broken)


def test_a_digit_s_place_and_size_do_not_count():
    cells = np.zeros((32, 32), np.uint8)
    cells[12:20, 3:6] = 1
    moved = np.roll(cells, (5, 20), (0, 1))
    large = np.kron(cells[10:22, :10], np.ones((2, 2), np.uint8))
    whole = np.zeros_like(cells)
    whole[:24, :20] = large
    one, two, three = (Drawing(np.packbits(each).tobytes()).pixels() for each in (cells, moved, whole))
    assert torch.equal(one, two) and torch.equal(one, three)


def test_a_network_of_a_race_is_found_by_its_link(monkeypatch):
    """The weights that a race keeps, after as many epochs as it has kept."""
    device = SimpleNamespace(worker=SimpleNamespace(device=SimpleNamespace(name="a processor")))
    monkeypatch.setattr("lib.inside.weights.lab", lambda: SimpleNamespace(lines={"cpu": device}))
    entrant = Entrant(network=Network(preset="resnet20_cifar", changed={"n": 1, "width": 8}), seed=3,
                      recipe=Recipe(learning_rate=0.05, epochs=4))
    text = links.write_race(entrant)
    assert text == "resnet20_cifar;n=1;width=8;epochs=4;learning_rate=0.05;seed=3"
    with pytest.raises(Impossible, match="train it first"):
        links.read_race(text)
    subject = links.Learnt(entrant)
    model, pictures = subject.build("untrained"), subject.pictures
    training = Training(model, pictures.for_network(3, (8, 8)), pictures.labels, pictures.training, entrant.recipe, 3, [])
    with torch.no_grad():
        model.fc.bias += one_hot(torch.tensor(4), 10) * 50
    curve = Curve(preset="resnet20_cifar", seed=3, settings=entrant.recipe, input_size=8, taken="2026-01-01T00:00:00Z",
                  environment={}, epochs=[Epoch.of(1.0, 50, 1.0, 0.1, 50)] * 2)
    curves.keep(entrant, "a processor", curve, state_of(training))
    asked, problems = links.read(links.of_race(entrant))
    assert not problems and asked.race.seed == 3
    assert asked.race.recipe.epochs == 2  # as many as were kept
    assert looking.scores(asked.subject(), "trained", Example(1, 0))[4] > 0.99
    assert looking.scores(asked.subject(), "untrained", Example(1, 0))[4] < 0.99


@pytest.mark.parametrize("text", [
    "", "nonsense", "resnet50;seed=x", "resnet20_cifar;n=0", "resnet20_cifar;epochs=-1", "a;b;c=d=e"])
def test_a_broken_race_is_refused_in_a_sentence(text):
    with pytest.raises(Impossible) as refused:
        links.read_race(text)
    assert "\n" not in str(refused.value)


# ImageNet's weights

MEANS, DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""As torchvision's documentation says."""


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """An empty folder where torch looks for weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    forget()
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def saved(preset: str, folder, half: bool = False, **options) -> nn.Module:
    """torchvision's network with random weights, whose file is where torch looks for it."""
    with seeded(0):
        theirs = torchvision.models.get_model(preset, weights=None, **options).eval()
    state = {name: tensor.half() if half and tensor.is_floating_point() else tensor
             for name, tensor in theirs.state_dict().items()}
    theirs.load_state_dict(state)
    torch.save(state, folder / weights.files(preset)[0].name)
    return theirs


@pytest.mark.parametrize("preset, layer, options", [
    ("resnet18", "layer1.0.conv1", {}), ("googlenet", "conv1.conv", {"transform_input": True, "init_weights": False})])
def test_imagenet_s_scores_and_maps_are_torchvision_s(preset, layer, options, checkpoints):
    """Also where torchvision scales the image within the network, and has auxiliary classifiers."""
    theirs = saved(preset, checkpoints, half=preset == "resnet18", **options)
    subject, photo = OfImageNet(preset), Photo("boat")
    image = torchvision.transforms.functional.normalize(subject.pixels(photo), MEANS, DEVIATIONS)
    _given, output = hooked(theirs, image, layer)
    with torch.inference_mode():
        expected = theirs(image)[0].softmax(0)
    np.testing.assert_allclose(looking.scores(subject, "trained", photo), expected, rtol=1e-3, atol=1e-6)
    place = next(op.index for op in subject.analysis().ops if op.name == layer)
    found = looking.numbers(subject, "trained", photo, place, 5)
    np.testing.assert_allclose(found, output[0, 5], atol=1e-3)
    assert subject.classes[0] == "tench" and len(subject.classes) == 1000


def test_densenet_s_files_have_older_names(checkpoints):
    """`norm.1` for `norm1`, as in the files that torchvision fetches."""
    expected = saved("densenet121", checkpoints).state_dict()
    older = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name): tensor for name, tensor in expected.items()}
    assert len(older.keys() - expected.keys()) == 58 * (5 + 1 + 5 + 1)
    torch.save(older, checkpoints / weights.files("densenet121")[0].name)
    given = weights.imagenet("densenet121", lib.build("densenet121"))
    assert given.keys() == expected.keys()
    assert all(torch.equal(given[name], tensor) for name, tensor in expected.items())


def test_every_preset_that_torchvision_has_weights_of_is_offered():
    assert {"resnet50", "vgg16", "alexnet", "inception_v3", "mobilenet_v2", "shufflenet_v2_x1_0",
            "densenet121"} <= set(weights.presets())
    for preset in weights.presets():
        assert all(len(file.classes) == 1000 and file.megabytes > 1 for file in weights.files(preset))


def test_files_that_hold_no_such_weights_are_refused_in_a_sentence(checkpoints):
    model = lib.build("resnet18")
    with pytest.raises(Impossible, match="resnet18-f37072fd.pth is not on this machine"):
        weights.imagenet("resnet18", model)
    file, subject = checkpoints / "resnet18-f37072fd.pth", OfImageNet("resnet18")
    for _ in range(2):  # not kept: the file may come
        with pytest.raises(Gone, match="is not on this machine"):
            looking.scores(subject, "trained", Photo("ball"))
    for content in (b"", b"PK\x03\x04 no archive", b"\x80\x02."):
        file.write_bytes(content)
        with pytest.raises(Impossible, match="cannot be read"):
            weights.imagenet("resnet18", model)
    for held in ([1, 2], {"conv1.weight": 3}):
        torch.save(held, file)
        with pytest.raises(Impossible, match="cannot be read"):
            weights.imagenet("resnet18", model)
    torch.save(model.state_dict() | {"fc.weight": torch.zeros(10, 512)}, file)
    with pytest.raises(Impossible, match="does not fit resnet18: fc.weight differs"):
        weights.imagenet("resnet18", model)
    with pytest.raises(Impossible, match="no ImageNet weights of seresnet50"):
        weights.files("seresnet50")


def test_a_file_is_fetched_with_its_checksum_or_refused_in_a_sentence(checkpoints, monkeypatch):
    file, asked = weights.files("resnet18")[0], []

    def download(url, path, hash_prefix, progress):
        asked.append((url, hash_prefix))
        with open(path, "wb") as written:
            written.write(b"weights")
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    assert all(0 <= share <= 1 for share in weights.fetch(file))
    assert file.path.read_bytes() == b"weights" and asked == [(file.url, "f37072fd")]

    def fail(*arguments, **named):
        raise urllib.error.URLError("no route to host")
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    for _ in range(2):  # the second is not told that the first still runs
        with pytest.raises(Impossible, match="could not be fetched: .*no route to host"):
            list(weights.fetch(file))
