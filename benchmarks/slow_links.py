"""What the slowest links cost, against the long way, in turns in one run: `python -m benchmarks.slow_links`.

A refused size finds the sizes that work by bisection; the long way builds the network anew for one size after the other.
Training memory of a deep network asks equal layers once; the long way asks each. Medians of the turns.
"""

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from statistics import median
from timeit import timeit

import lib
from lib import catalog
from lib.analysis import saved
from lib.analysis.replay import Replay
from lib.meta import on_meta
from lib.once import forget
from lib.trace import ImpossibleShape, record

REFUSED = (("inception_v3_auxiliary", 96), ("googlenet", 8), ("vgg16", 8), ("alexnet_2012", 300))
DEEP = (("resnest101e", "64,64,64,64"), ("resnet152", "64,64,64,64"), ("resnet50", "3,4,6,3"))


def refuse(preset: str, size: int) -> None:
    """A refusal whose range is not known yet."""
    forget()
    try:
        lib.analyze(preset, input_size=size)
    except lib.Impossible:
        return
    raise AssertionError(f"{preset} takes {size} pixels")


def one_after_the_other(preset: str, size: int) -> None:
    """The nearest size above that works, or below where there is none."""
    family = catalog.get(preset)
    for tried in (*range(size + 1, 641), *range(size - 1, 0, -1)):
        with on_meta():
            model = family.build(catalog.configure(preset, {"input_size": tried}))
        try:
            record(model, (1, family.in_channels, tried, tried))
            return
        except ImpossibleShape:
            continue


def trained(preset: str, depths: str, way: Callable) -> None:
    """Asks what a training step holds, with `Replay` or without."""
    saved.Replay = way
    saved.traced(preset, catalog.configure(preset, {"depths": depths}), "float32", 2)
    saved.Replay = Replay


def compare(turns: int, ours: Callable[[], None], theirs: Callable[[], None]) -> str:
    ours()  # imports, and the layers that are copied from
    times = [(timeit(ours, number=1), timeit(theirs, number=1)) for _ in range(turns)]
    short, long = (median(column) for column in zip(*times))
    return f"{1e3 * short:9.1f} ms, the long way {1e3 * long:9.1f} ms: {long / short:6.1f} times"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--turns", type=int, default=3)
    turns = options.parse_args().turns
    for preset, size in REFUSED:
        print(f"{preset:24} refused at {size:3}    " + compare(
            turns, lambda: refuse(preset, size), lambda: one_after_the_other(preset, size)), flush=True)
    for preset, depths in DEEP:
        print(f"{preset:24} trains {depths:12}" + compare(
            turns, lambda: trained(preset, depths, Replay), lambda: trained(preset, depths, nullcontext)), flush=True)


if __name__ == "__main__":
    main()
