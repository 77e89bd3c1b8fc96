"""The pictures: what UCI says of its digits, and files that are made here."""

import struct

import numpy as np
import pytest
import torch
from PIL import Image

from lib.architecture import Impossible
from lib.training.pictures import digits, fitted, load, of_folder, version


def test_the_digits_are_those_of_uci():
    data = digits()
    assert data.images.shape == (1797, 1, 8, 8) and data.training == 1437
    # optdigits.names, number of instances of the test set by class
    assert torch.bincount(data.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert set((data.images * 16).unique().tolist()) == set(map(float, range(17)))
    learnt = data.normalised(data.images)[:1437]
    assert learnt.mean().abs() < 1e-5 and (learnt.std() - 1).abs() < 1e-4


def test_pictures_are_brought_to_a_network():
    data = digits()
    three = data.for_network(3, (8, 8))
    assert three.shape == (1797, 3, 8, 8) and torch.equal(three[:, 0], three[:, 2])
    assert data.for_network(1, (32, 32)).shape == (1797, 1, 32, 32)
    colour = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(fitted(colour, 1, (8, 8))[:, 0], colour.mean(1))


def flower(folder, name, value):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 60, 3), value, np.uint8)).save(folder / name)


def test_a_folder_of_ones_own(tmp_path):
    for index in range(5):
        flower(tmp_path / "rose", f"{index}.png", 200)
        flower(tmp_path / "daisy", f"{index}.png", 20)
    (tmp_path / "rose" / "notes.txt").write_text("no picture")
    data = load("flowers", {"flowers": str(tmp_path)}, 100)
    assert data.images.shape == (10, 3, 32, 32) and data.classes == ("daisy", "rose") and data.training == 8
    bright = data.images.mean((1, 2, 3)) > 0.5
    assert torch.equal(bright, data.labels == 1)
    assert len(of_folder("flowers", tmp_path, 6).images) == 6
    before = version("flowers", str(tmp_path))
    flower(tmp_path / "rose", "more.png", 200)
    assert version("flowers", str(tmp_path)) != before and version("digits", "") == ""
    assert len(load("flowers", {"flowers": str(tmp_path)}, 100).images) == 11  # what was read before counts no more


def test_a_new_picture_is_noticed_in_each_of_many_classes(tmp_path):
    classes = [tmp_path / f"class {number:02}" for number in range(30)]
    for each in classes:
        flower(each, "1.png", 1)
    seen = {version("many", str(tmp_path))}
    for each in classes:
        flower(each, "2.png", 2)
        seen.add(version("many", str(tmp_path)))
    assert len(seen) == 31 and max(map(len, seen)) < 40


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(Impossible, match="The folder of “x” needs a subfolder with pictures for each of at least two classes"):
        of_folder("x", tmp_path / "nowhere", 10)
    flower(tmp_path / "a", "1.png", 1)
    flower(tmp_path / "b", "1.png", 1)
    with pytest.raises(Impossible, match="fewer than two pictures"):
        of_folder("x", tmp_path, 10)


def idx(file, array):
    """A file as MNIST has them."""
    file.write_bytes(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes())


def test_mnist_where_its_files_are(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 30), ("t10k", 10)):
        images = np.arange(count)[:, None, None] * np.ones((1, 28, 28))
        idx(raw / f"{part}-images-idx3-ubyte", images)
        idx(raw / f"{part}-labels-idx1-ubyte", np.arange(count) % 10)
    data = load("mnist", {"mnist": str(tmp_path)}, 20)
    assert data.images.shape == (20, 1, 28, 28) and data.training == 16 and len(data.classes) == 10
    assert data.images[3].unique().item() == pytest.approx(3 / 255) and data.labels[:4].tolist() == [0, 1, 2, 3]
    assert "MNIST" in data.source and "28 × 28" in data.source


def test_what_is_not_there(tmp_path):
    with pytest.raises(Impossible, match="There are no pictures “cats” here; there are digits."):
        load("cats", {}, 100)
    with pytest.raises(Impossible, match="The files of CIFAR10 are not where the setting says"):
        load("cifar10", {"cifar10": str(tmp_path)}, 100)
