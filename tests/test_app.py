"""What the web server's process is, and what it hands on to the process that measures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib.architecture import Impossible
from lib.limits import FILE, limits

START = "import os, app; print('handed on:', os.environ.get('OMP_WAIT_POLICY'))"


@pytest.mark.skipif(sys.platform != "linux", reason="asks GNU's OpenMP, which torch brings on Linux")
@pytest.mark.parametrize("chosen", [None, "active"])
def test_threads_wait_asleep_in_the_server_alone(chosen):
    surroundings = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    surroundings |= {"OMP_DISPLAY_ENV": "true"} | ({"OMP_WAIT_POLICY": chosen} if chosen else {})
    done = subprocess.run([sys.executable, "-c", START], cwd=Path(__file__).parent.parent, env=surroundings,
                          capture_output=True, text=True, timeout=120)
    assert f"OMP_WAIT_POLICY = '{(chosen or 'passive').upper()}'" in done.stderr
    assert f"handed on: {chosen}" in done.stdout


WRONG = {
    "a value": (FILE.read_text().replace("largest_batch = 256", "largest_batch = 0"), "largest_batch: Input should be greater"),
    "a name": (FILE.read_text() + "colour = 1", "colour: Extra inputs are not permitted"),
    "nothing": ("", "devices: Field required"),
    "no TOML": ("devices =", "cannot be read: Invalid value"),
    "endless": (FILE.read_text().replace("seconds_per_run = 180", "seconds_per_run = inf"), "seconds_per_run"),
    "no text": ("\udcff", "cannot be read: 'utf-8' codec"),
}


@pytest.mark.parametrize("content, words", WRONG.values(), ids=WRONG)
def test_wrong_limits_are_refused_in_a_sentence(content, words, tmp_path, monkeypatch):
    file = tmp_path / "timing.toml"
    file.write_bytes(content.encode(errors="surrogateescape"))
    monkeypatch.setenv("TIMING_LIMITS", str(file))
    with pytest.raises(Impossible, match=words) as refused:
        limits.__wrapped__()
    assert str(refused.value).startswith(str(file)) and "\n" not in str(refused.value)


def test_a_start_with_wrong_limits_says_so_and_nothing_else():
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port=0"]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, env=os.environ | {"TIMING_LIMITS": "/nowhere/timing.toml"},
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "/nowhere/timing.toml cannot be read: No such file or directory.\n"
