"""The engine from a shell: `python -m lib list`, `python -m lib analyze resnet50 --set depths=3,4,6,3`.

Bad input gives one plain line on stderr and exit code 2.
"""

import argparse
import json
import sys

import lib
from lib import catalog
from lib.analysis import analyze_knobs


class Parser(argparse.ArgumentParser):
    """argparse, with one plain line instead of the usage text."""

    def error(self, message: str):
        raise lib.Impossible(f"{message}; see {self.prog} --help")


def parser() -> Parser:
    root = Parser(prog="python -m lib", description="Exact numbers of convolutional networks.")
    commands = root.add_subparsers(dest="command", required=True, parser_class=Parser)
    listing = commands.add_parser("list", help="the networks by name")
    listing.add_argument("--json", action="store_true", help="as JSON, with knobs and notes")
    analyze = commands.add_parser("analyze", help="parameters, multiply-adds, activations and receptive fields")
    analyze.add_argument("preset", metavar="PRESET", help="a name that `list` prints")
    analyze.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="turn a knob; may be repeated")
    analyze.add_argument("--input-size", metavar="N", help="height and width of the image in pixels")
    form = analyze.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, as JSON")
    form.add_argument("--csv", action="store_true", help="the layers, as CSV")
    return root


def settings(pairs: list[str]) -> dict[str, str]:
    """`["depth=34"]` as `{"depth": "34"}`. Raises `Impossible` for anything but NAME=VALUE."""
    for pair in pairs:
        if "=" not in pair:
            raise lib.Impossible(f"--set needs NAME=VALUE, such as --set depth=34, and was given “{pair[:40]}”.")
    return dict(pair.split("=", 1) for pair in pairs)


def print_list(as_json: bool) -> None:
    families = catalog.families().values()
    if as_json:
        rows = [{"preset": preset, "family": family.id, "knobs": catalog.configure(preset, {}).model_dump(mode="json"),
                 "note": entry.note} for family in families for preset, entry in family.presets.items()]
        print(json.dumps(rows, indent=1))
        return
    for family in families:
        print(f"{family.name} ({family.paper.year})")
        for preset, entry in family.presets.items():
            print(f"  {preset:18} {entry.note}")


def print_analysis(arguments: argparse.Namespace) -> None:
    knobs = settings(arguments.set)
    if arguments.input_size is not None:
        knobs["input_size"] = arguments.input_size
    family = catalog.get(arguments.preset)
    analysis = analyze_knobs(arguments.preset, family, catalog.configure(arguments.preset, knobs))
    if arguments.json:
        print(json.dumps(analysis.to_json(), indent=1))
    elif arguments.csv:
        print(analysis.table().to_csv(index=False), end="")
    else:
        print(f"{analysis.preset} for a {'×'.join(map(str, analysis.input_shape[1:]))} image")
        for label, name in LABELS.items():
            total = getattr(analysis, name)
            print(f"{label:16}{'unknown' if total is None else f'{total:,}':>17}")


LABELS = {"parameters": "params", "multiply-adds": "macs", "activation bytes": "activation_bytes",
          "weight layers": "weight_layers", "receptive field": "receptive_field"}


def main() -> int:
    try:
        arguments = parser().parse_args()
        print_list(arguments.json) if arguments.command == "list" else print_analysis(arguments)
    except lib.Impossible as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
