"""Our analysis from nothing against building the real network and asking the peers: `python -m benchmarks.analysis`.

Ours is build on meta, trace, costs, receptive fields and folded graph; of earlier networks only layers are kept. Theirs
is `lib.build`, a real network with initialised weights, and then torchinfo's summary, fvcore's count, torchview's graph
(on meta). All are timed in turns in one run, medians. As in Python's `timeit`, no garbage is collected while the clock
runs: whose turn a collection falls into is chance, and it walks over what all the others have left.

Equal layers are copied from one that was built before, in an earlier network or round, as in the app, where a person
turns one knob after another. `--cold` forgets the layers before each round: what the very first network costs.
"""

import argparse
import gc
import logging
import time
import warnings
from collections.abc import Callable
from statistics import geometric_mean, median

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


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(preset: str, repeat: int, cold: bool) -> dict[str, float]:
    """Median seconds of each contender."""
    contenders = {"ours": lambda: ours(preset)} | peers(preset)
    times = {name: [] for name in contenders}
    gc.disable()
    for _ in range(repeat):
        if cold:
            forget_layers()
        for name, work in contenders.items():
            times[name].append(seconds(work))
    gc.enable()
    return {name: median(values) for name, values in times.items()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--presets", nargs="*", default=lib.presets())
    arguments.add_argument("--repeat", type=int, default=5)
    arguments.add_argument("--cold", action="store_true", help="forget the layers of earlier networks before each round")
    options = arguments.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    lib.analyze("resnet18")
    gc.collect()
    gc.freeze()
    print(f"{'preset':24}{'ours ms':>9}{'build ms':>10}   ratio of build + ... to ours: {'torchinfo':>10}{'fvcore':>9}{'torchview':>11}")
    ratios = []
    for preset in options.presets:
        took = compare(preset, options.repeat, options.cold)
        ratio = {peer: (took["build"] + took[peer]) / took["ours"] for peer in ("torchinfo", "fvcore", "torchview")}
        ratios.append(ratio["torchinfo"])
        print(f"{preset:24}{1e3 * took['ours']:9.1f}{1e3 * took['build']:10.1f}{'':33}{ratio['torchinfo']:10.1f}"
              f"{ratio['fvcore']:9.1f}{ratio['torchview']:11.1f}", flush=True)
    print(f"build + torchinfo: geometric mean {geometric_mean(ratios):.1f} times ours (bar 10), least {min(ratios):.1f} (bar 3)")


if __name__ == "__main__":
    main()
