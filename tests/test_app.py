"""What the web server's process is, and what it hands on to the process that measures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

START = "import os, app; print('handed on:', os.environ.get('OMP_WAIT_POLICY'))"


@pytest.mark.skipif(sys.platform != "linux", reason="asks GNU's OpenMP, which torch brings on Linux")
@pytest.mark.parametrize("chosen", [None, "active", "passive"])
def test_threads_wait_asleep_in_the_server_alone(chosen):
    surroundings = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    surroundings |= {"OMP_DISPLAY_ENV": "true"} | ({"OMP_WAIT_POLICY": chosen} if chosen else {})
    done = subprocess.run([sys.executable, "-c", START], cwd=Path(__file__).parent.parent, env=surroundings,
                          capture_output=True, text=True, timeout=120)
    assert f"OMP_WAIT_POLICY = '{(chosen or 'passive').upper()}'" in done.stderr
    assert f"handed on: {chosen}" in done.stdout
