"""The analysis here against that of an older commit, in one run: `python -m benchmarks.before 8ec9186`.

Each is a process of its own, and both work in turns: the same networks, built on meta, traced, counted, folded. Printed are
the medians of the turns, and the median of what the second of a turn takes as a share of the first. A network that the
older commit does not have is left out.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import geometric_mean, median

ROOT = Path(__file__).parent.parent
WORKER = """
import sys
from timeit import Timer
import lib
from lib.analysis.graph import fold
for line in sys.stdin:
    preset = line.strip()
    work = Timer(lambda: fold(lib.analyze(preset).ops))
    try:
        once = work.timeit(1)
    except lib.Impossible:
        print("unknown", flush=True)
        continue
    number = max(1, round(0.05 / once))
    print(work.timeit(number) / number, flush=True)
"""


class Analyst:
    """A process that analyses networks with the code in a folder, and says how many seconds each took."""

    def __init__(self, folder: Path):
        self.process = subprocess.Popen([sys.executable, "-c", WORKER], cwd=folder, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def seconds(self, preset: str) -> float | None:
        """None if it has no such network."""
        print(preset, file=self.process.stdin)
        answer = self.process.stdout.readline().strip()
        return None if answer == "unknown" else float(answer)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(presets: list[str], turns: int, old_code: Analyst, new_code: Analyst) -> list[float]:
    """Prints a line for each network; gives how long each takes now, as a share of before."""
    shares = []
    for preset in presets:
        pairs = [(old_code.seconds(preset), new_code.seconds(preset)) for _ in range(turns)]
        if None in pairs[0]:
            continue
        old, new = (median(times) for times in zip(*pairs))
        shares.append(median(after / before for before, after in pairs))
        print(f"{preset:24}{1000 * old:8.2f} ms before{1000 * new:8.2f} ms now   × {shares[-1]:.2f}")
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="with which to compare")
    parser.add_argument("presets", nargs="*", default=["resnet18", "resnet50", "vgg16", "alexnet", "googlenet", "resnext50_32x4d",
                                                       "seresnet50", "resnest50d", "mobilenet_v2", "resnetv2_50"])
    parser.add_argument("--turns", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", arguments.commit, "lib"], cwd=ROOT, capture_output=True, check=True)
        subprocess.run(["tar", "x", "-C", folder], input=archive.stdout, check=True)
        analysts = Analyst(Path(folder)), Analyst(ROOT)
        print(f"all together × {geometric_mean(compare(arguments.presets, arguments.turns, *analysts)):.3f}")
        for analyst in analysts:
            analyst.end()


if __name__ == "__main__":
    main()
