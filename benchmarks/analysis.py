"""Our analysis from nothing against building the real network and asking the peers: `python -m benchmarks.analysis`.

Ours is build on meta, trace, costs, receptive fields and folded graph. Theirs is `lib.build`, a real network with
initialised weights, and then torchinfo's summary, fvcore's count, torchview's graph (on meta). All are timed in turns in
one run, medians of the turns. In its turn each is repeated for a twentieth of a second, or run once if it takes longer;
no garbage is collected meanwhile, as usual with Python's `timeit`.

Of earlier networks ours keeps the layers, to copy equal ones from, as in the app, where a person turns one knob after
another. "At first" is the single run with which each begins its turn, the processor's caches full of other work, and ours
without any layer to copy: what the first network of all costs.
"""

import argparse
import logging
import warnings
from collections.abc import Callable
from statistics import geometric_mean, median
from timeit import Timer

import torch
import torchinfo
from fvcore.nn import FlopCountAnalysis
from torchview import draw_graph

import lib
from lib.analysis.graph import fold
from lib.meta import forget_layers


def ours(preset: str) -> None:
    fold(lib.analyze(preset).ops)


def peers(preset: str) -> dict[str, Callable[[], object]]:
    """The real network's build and each peer's own work, apart."""
    image = torch.zeros(lib.analyze(preset).input_shape)
    model = lib.build(preset).eval()
    with torch.device("meta"):
        weightless = lib.build(preset).eval()
    return {
        "build": lambda: lib.build(preset),
        "torchinfo": lambda: torchinfo.summary(model, input_size=tuple(image.shape), verbose=0),
        "fvcore": lambda: FlopCountAnalysis(model, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False).total(),
        "torchview": lambda: draw_graph(weightless, input_size=tuple(image.shape), device="meta", expand_nested=False),
    }


def compare(preset: str, turns: int) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of each contender, and those of the first run of a turn."""
    contenders = {"ours": lambda: ours(preset)} | peers(preset)
    usual, first = ({name: [] for name in contenders} for _ in range(2))
    for _ in range(turns):
        for name, work in contenders.items():
            first[name].append(once := Timer(work, setup=forget_layers).timeit(1))
            number = max(1, round(TURN / once))
            usual[name].append(Timer(work).timeit(number) / number)
    return tuple({name: median(values) for name, values in times.items()} for times in (usual, first))


TURN = 0.05
"""Seconds."""

PEERS = ("torchinfo", "fvcore", "torchview")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--presets", nargs="*", default=lib.presets())
    arguments.add_argument("--turns", type=int, default=5)
    options = arguments.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    lib.analyze("resnet18")
    print(f"{'':42}{'ratio of build + ... to ours':>33}{'at first':>21}")
    print(f"{'preset':24}{'ours ms':>9}{'build ms':>9}   " + "".join(f"{peer:>10}" for peer in PEERS)
          + f"{'ours ms':>11}{'torchinfo':>10}")
    usual_ratios, first_ratios = [], []
    for preset in options.presets:
        usual, first = compare(preset, options.turns)
        ratios = [(usual["build"] + usual[peer]) / usual["ours"] for peer in PEERS]
        usual_ratios.append(ratios[0])
        first_ratios.append((first["build"] + first["torchinfo"]) / first["ours"])
        print(f"{preset:24}{1e3 * usual['ours']:9.2f}{1e3 * usual['build']:9.2f}   "
              + "".join(f"{ratio:10.1f}" for ratio in ratios)
              + f"{1e3 * first['ours']:11.2f}{first_ratios[-1]:10.1f}", flush=True)
    for when, found in {"": usual_ratios, " at first": first_ratios}.items():
        print(f"build + torchinfo over ours{when}: geometric mean {geometric_mean(found):.1f} (bar 10), least {min(found):.2f} "
              f"(bar 3), below 3: {sum(ratio < 3 for ratio in found)} of {len(found)}")


if __name__ == "__main__":
    main()
