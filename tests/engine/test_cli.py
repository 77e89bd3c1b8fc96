"""The command line."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import lib
from lib import __main__ as cli


def run(capsys, monkeypatch, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["lib", *arguments])
    code = cli.main()
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_json(capsys, monkeypatch):
    code, out, _ = run(capsys, monkeypatch, "analyze", "resnet50", "--set", "depths=3,4,6,3", "--set",
                       "stride_in_1x1=true", "--input-size", "192", "--json")
    report = json.loads(out)
    expected = lib.analyze("resnet50", input_size=192, stride_in_1x1=True)
    assert code == 0
    assert (report["preset"], report["family"], report["input_shape"]) == ("resnet50", "resnet", [1, 3, 192, 192])
    assert report["knobs"]["stride_in_1x1"] is True and report["knobs"]["depths"] == [3, 4, 6, 3]
    for name in ("params", "macs", "training_macs", "activation_bytes", "receptive_field"):
        assert report["totals"][name] == getattr(expected, name)
    assert report["totals"]["receptive_field"] == 483
    step = sum(op[name] for op in report["ops"] for name in ("macs", "input_gradient_macs", "weight_gradient_macs"))
    assert report["totals"]["training_macs"] == step
    for name in ("params", "macs", "activation_bytes"):
        assert sum(op[name] for op in report["ops"]) == report["totals"][name]
    assert set(report["ops"][0]) == {"name", "path", "kind", "in_shapes", "out_shapes", "params", "macs",
                                     "activation_bytes", "receptive_field", "whole_image", "input_gradient_macs",
                                     "weight_gradient_macs"}
    assert report["ops"][0]["out_shapes"] == [[1, 64, 96, 96]]


def test_csv(capsys, monkeypatch):
    _, out, _ = run(capsys, monkeypatch, "analyze", "vgg11", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert sum(int(row["params"]) for row in rows) == 132_863_336
    assert rows[0]["layer"] == "conv1_1"
    _, out, _ = run(capsys, monkeypatch, "analyze", "inception_v3", "--csv")
    row = next(row for row in csv.DictReader(io.StringIO(out)) if row["name"] == "Mixed_6b.branch7x7dbl_2.conv")
    assert (row["receptive_field_height"], row["receptive_field_width"]) == ("255", "159")
    assert (row["jump_vertical"], row["whole_image"]) == ("16", "False")


def test_list(capsys, monkeypatch):
    _, out, _ = run(capsys, monkeypatch, "list", "--json")
    assert [entry["preset"] for entry in json.loads(out)] == lib.presets()
    _, out, _ = run(capsys, monkeypatch, "list")
    assert all(preset in out for preset in lib.presets())


@pytest.mark.parametrize("arguments, words", [
    (["analyze", "nope"], "There is no network"),
    (["analyze", "resnet50", "--set", "depth"], "NAME=VALUE"),
    (["analyze", "resnet50", "--set", "depth=51"], "18, 34, 50, 101, 152"),
    (["analyze", "resnet50", "--set", "preset=x"], "There is no knob"),
    (["analyze", "resnet50", "--input-size", "big"], "from 1 to 2048"),
    (["analyze", "alexnet", "--input-size", "40"], "63"),
    (["analyze", "resnext50_32x4d", "--set", "width=24"], "16 and 32"),
    (["analyze", "resnet50", "--json", "--csv"], "not allowed"),
    (["bake"], "invalid choice"),
    ([], "required"),
])
def test_bad_input_gets_one_plain_line(capsys, monkeypatch, arguments, words):
    code, out, err = run(capsys, monkeypatch, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


@pytest.mark.parametrize("arguments, said", [
    (["resnet50d"], "52 weight layers, though its name says 50"), (["vgg16", "--input-size", "64"], "pools a map of 2×2 to 7×7"),
    (["resnet50"], None)])
def test_what_a_reader_would_stumble_over_is_said(capsys, monkeypatch, arguments, said):
    _, out, _ = run(capsys, monkeypatch, "analyze", *arguments)
    assert said in out if said else out.count("\n") == 8


def test_other_images_from_the_shell(capsys, monkeypatch):
    _, out, _ = run(capsys, monkeypatch, "analyze", "googlenet", "--input-size", "480x640", "--set", "in_channels=4", "--json")
    found = json.loads(out)
    assert found["input_shape"] == [1, 4, 480, 640] and found["knobs"]["input_size"] == "480x640"
    assert found["totals"]["macs"] == lib.analyze("googlenet", input_size=(480, 640), in_channels=4).macs
    assert found["smallest_image"]["side"] == 15 and "With 14 × 14 pixels" in found["smallest_image"]["why"]
    _, out, _ = run(capsys, monkeypatch, "analyze", "googlenet")
    assert "smallest image              15×15\n\nWith 14 × 14 pixels, maxpool3 has too little" in out


def test_a_reader_that_has_seen_enough_and_a_full_disk():
    command = f"{sys.executable} -m lib analyze resnet101 --json"
    root = Path(cli.__file__).parent.parent
    halves = subprocess.run(["bash", "-c", f"set -o pipefail; {command} | head -1"], text=True, capture_output=True, cwd=root)
    assert (halves.returncode, halves.stdout, halves.stderr) == (0, "{\n", "")
    if Path("/dev/full").exists():
        full = subprocess.run(["bash", "-c", f"{command} > /dev/full"], text=True, capture_output=True, cwd=root)
        assert (full.returncode, full.stderr.count("\n")) == (1, 1) and "could not be written" in full.stderr


def test_from_a_shell():
    answer = subprocess.run([sys.executable, "-m", "lib", "analyze", "resnet18", "--set", "width=wide"], text=True,
                            capture_output=True, cwd=Path(cli.__file__).parent.parent)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "width = wide is not possible: choose a whole number from 8 to 256 in steps of 8.\n"
