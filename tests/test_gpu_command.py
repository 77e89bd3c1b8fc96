"""`make gpu`, tried out on the CPU: every part ends with a verdict, and the file holds what the page opens."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu
from lib.lab import store
from lib.lab.cards import card
from lib.records import Setting

ROOT = Path(__file__).parent.parent

NOT_NEEDED = {"pandas", "streamlit", "plotly", "torchinfo", "graphviz", "pygraphviz", "threadpoolctl", "torchvision", "timm"}

RUN = f"""
import runpy, sys
try:
    runpy.run_module("benchmarks.gpu", run_name="__main__")
except SystemExit as end:
    print("imported:", sorted({NOT_NEEDED} & set(sys.modules)), "status:", end.code)
"""


@pytest.mark.slow
def test_all_parts_run_dry(tmp_path):
    out = tmp_path / "gpu.json"
    done = subprocess.run([sys.executable, "-c", RUN, "--dry", "--out", str(out), "--note", "A dry run.", "--host", "nowhere"],
                          cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert "imported: [] status: 0" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    last = [line for line in done.stdout.splitlines()[-9:] if line.strip()]
    verdicts = {line.split()[0]: line for line in last if line.split()[0] in gpu.PARTS}
    assert set(verdicts) == set(gpu.PARTS) and not [line for line in verdicts.values() if "FAILED" in line]
    runs = store.import_(out.read_bytes())
    assert {run.kind for run in runs} == {"latency", "layers", "training"}
    assert {(run.note, run.host) for run in runs} == {("A dry run.", "nowhere")}
    assert {record.environment["host"] for run in runs for record in run.found} == {"nowhere"}
    catalogue = [run for run in runs if len(run.networks) == 10]
    assert [(run.setting.batch, run.setting.dtype, len(run.found)) for run in catalogue] == [
        (1, "float32", 10), (2, "bfloat16", 10)]


def test_a_part_that_fails_does_not_stop_the_next(monkeypatch, capsys):
    def failing(bench):
        """Fails."""
        raise RuntimeError("no such thing")

    def working(bench):
        """Works."""
        return f"ok: {bench.device.id}"
    monkeypatch.setattr(gpu, "PARTS", {"first": failing, "second": working})
    monkeypatch.setattr(sys, "argv", ["gpu", "--dry", "--only", "first,second"])
    assert gpu.main() == 1
    printed = capsys.readouterr().out
    assert "first    FAILED: RuntimeError: no such thing" in printed and "second   ok: cpu" in printed


@pytest.mark.parametrize("arguments, words", [(["--device", "cuda:77"], "There is no device cuda:77 here"),
                                              (["--dry", "--only", "moon"], "There is no part moon; the parts are tests")])
def test_bad_arguments_get_one_line(monkeypatch, capsys, arguments, words):
    monkeypatch.setattr(sys, "argv", ["gpu", *arguments])
    assert gpu.main() == 2
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1


def test_every_mode_and_every_kind_of_numbers_is_in_the_plan():
    settings = [Setting(device="cuda:0", batch=batch, **changes) for batch, changes, _presets in gpu.GPU.modes]
    assert {setting.mode for setting in settings} == {"eager", "compile", "cuda_graph"}
    eager = [setting for setting in settings if setting.mode == "eager" and setting.batch == 32]
    assert {(setting.dtype, setting.channels_last) for setting in eager} == {
        (dtype, last) for dtype in ("float32", "tf32", "bfloat16", "float16") for last in (False, True)}
    assert len(gpu.GPU.layered) == 6 and len(gpu.GPU.memory_batches) == 2 and gpu.GPU.largest_batch == 256
    assert {(batch, changes.get("dtype", "float32")) for batch, changes in gpu.GPU.catalogue} == {
        (batch, dtype) for batch in (1, 32) for dtype in ("float32", "bfloat16")}


def test_peaks_of_shipped_cards_stay_below_their_data_sheets():
    """And above half of them, so that neither the sheet nor the measurement is of another card."""
    seen = 0
    for run in (row.run() for row in store.shipped().values() if row.kind == "layers"):
        if sheet := card(run.device_name):
            for record in run.found:
                seen += 1
                assert 0.5 < record.peaks.flop_per_second / 1e12 / sheet.teraflop_per_second(record.dtype) < 1
                assert 0.5 < record.peaks.gigabytes_per_second / sheet.gigabytes_per_second < 1
    assert seen and card("A card of nobody") is None
