"""What the README says is so: its commands print what it shows, and its example of an architecture works as it stands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
COMMANDS = re.findall(r"^\$ python (.*)\n((?:(?!\$ |```).*\n)*)", README, re.MULTILINE)

OPEN_EXPLORE = """
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("lib/ui/shell.py", default_timeout=60).run().switch_page("../../pages/explore.py")
app.query_params["preset"] = "allcnn_c"
app.run()
assert not app.exception, app.exception
assert "1,369,738" in [metric.value for metric in app.metric]
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the project with the README's architecture in it, and no other edit."""
    copy = tmp_path_factory.mktemp("project")
    for folder in ("lib", "pages"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "lib/models/allcnn.py").write_text(EXAMPLE, encoding="utf-8")
    return copy


def python(folder: Path, *arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], cwd=folder, check=True, text=True, stdout=subprocess.PIPE).stdout


def test_there_are_commands():
    assert len(COMMANDS) == 4


@pytest.mark.parametrize("command, shown", COMMANDS)
def test_command_prints_what_is_shown(extended, command, shown):
    assert python(extended, *command.split()) == shown


def test_example_appears_on_the_page(extended):
    python(extended, "-c", OPEN_EXPLORE)


def test_what_it_names_exists():
    for path in re.findall(r"`((?:lib|pages|tests|benchmarks|app)[\w/.]*)`", README) + re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / path).exists(), path
