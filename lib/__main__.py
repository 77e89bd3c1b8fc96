"""The engine from a shell: `python -m lib list`, `python -m lib analyze resnet50 --set depths=3,4,6,3`.

Bad input gives one plain line on stderr and exit code 2.
"""

import argparse
import json
import os
import sys

import lib
from lib import catalog
from lib.analysis import analyze_knobs
from lib.analysis.fitting import smallest_image
from lib.analysis.remarks import remarks as about
from lib.devices import Device, absences, devices
from lib.digits import text
from lib.lab.doubts import doubts, remarks
from lib.lab.jobs import Job, run
from lib.lab.ranking import places
from lib.plan.catalogue import plan_of
from lib.plan.language import write, write_on_one_line
from lib.plan.source import source
from lib.records import Latency, Network, Setting
from lib.timing import Step, found
from lib.training import shell


NAME = "a name that `list` prints, or another usual one"


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
    analyze.add_argument("preset", metavar="PRESET", help=NAME)
    analyze.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="turn a knob; may be repeated")
    analyze.add_argument("--input-size", metavar="N or HxW", help="the image in pixels: 224, or height x width, 480x640")
    form = analyze.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, as JSON")
    form.add_argument("--csv", action="store_true", help="the layers, as CSV")
    plan = commands.add_parser("plan", help="a network as a plan: rows to change and to give to `analyze own --set plan=...`")
    plan.add_argument("preset", metavar="PRESET", help=NAME)
    plan.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="turn a knob; may be repeated")
    form = plan.add_mutually_exclusive_group()
    form.add_argument("--one-line", action="store_true", help="with semicolons in place of lines")
    form.add_argument("--code", action="store_true", help="as one PyTorch file that runs alone")
    time = commands.add_parser("time", help="run networks here, in turns, and read the clock")
    time.add_argument("presets", metavar="PRESET", nargs="+", help=NAME)
    time.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                      help="turn a knob of all networks; may be repeated")
    for name in TIME_OPTIONS:
        declared = Setting.model_fields[name]
        time.add_argument(f"--{name.replace('_', '-')}", metavar=name.upper(), help=f"{declared.description} "
                          f"[{declared.default}]".replace("%", "%%"))
    form = time.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, as JSON; of several networks as a list")
    form.add_argument("--csv", action="store_true", help="a row for each network, as CSV")
    training = commands.add_parser("train", help="train small networks side by side, and print their curves")
    shell.add_options(training, NAME)
    here = commands.add_parser("devices", help="what this machine can measure on, and what it cannot do")
    here.add_argument("--json", action="store_true", help="as JSON")
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
                 "note": entry.note, "also": entry.also} for family in families for preset, entry in family.presets.items()]
        print(json.dumps(rows, indent=1))
        return
    for family in families:
        print(f"{family.name} ({family.paper.year})" if family.paper else family.name)
        for preset, entry in family.presets.items():
            print(f"  {preset:18} {entry.note}" + (f" Also called {', '.join(entry.also)}." if entry.also else ""))


def print_analysis(arguments: argparse.Namespace) -> None:
    knobs = settings(arguments.set)
    if arguments.input_size is not None:
        knobs["input_size"] = arguments.input_size
    preset = catalog.find(arguments.preset)
    analysis = analyze_knobs(preset, catalog.get(preset), catalog.configure(preset, knobs))
    smallest = smallest_image(analysis.architecture, analysis.knobs)
    if arguments.json:
        print(json.dumps(analysis.to_json() | {"smallest_image": smallest and vars(smallest)}, indent=1))
    elif arguments.csv:
        print(analysis.table().to_csv(index=False), end="")
    else:
        print(f"{analysis.preset} for a {'×'.join(map(str, analysis.input_shape[1:]))} image")
        for label, name in LABELS.items():
            total = getattr(analysis, name)
            print(f"{label:16}{'unknown' if total is None else f'{total:,}':>17}")
        if smallest:
            print(f"{'smallest image':16}{f'{smallest.side}×{smallest.side}':>17}\n\n{smallest.why}".rstrip())
        for line in about(analysis):
            print(f"\n{line}")


def print_plan(arguments: argparse.Namespace) -> None:
    preset = catalog.find(arguments.preset)
    plan = plan_of(preset, catalog.configure(preset, settings(arguments.set)))
    if arguments.one_line:
        print(write_on_one_line(plan))
    else:
        print(source(plan) if arguments.code else write(plan), end="")


LABELS = {"parameters": "params", "multiply-adds": "macs", "training step": "training_macs",
          "activation bytes": "activation_bytes", "weight layers": "weight_layers", "receptive field": "receptive_field"}


def print_time(arguments: argparse.Namespace) -> None:
    """Measure, saying on stderr how far it is if somebody watches there."""
    setting, device = chosen_setting(arguments)
    networks = tuple(Network.of(lib.analyze(preset, **settings(arguments.set))) for preset in arguments.presets)
    job = Job(kind="latency", networks=networks, setting=setting)
    watched = sys.stderr.isatty()
    latencies = found(run(job), show_progress if watched else lambda step: None)
    if watched:
        print(file=sys.stderr)
    if arguments.json:
        records = [latency.model_dump(mode="json") for latency in latencies]
        print(json.dumps(records if len(records) > 1 else records[0], indent=1))
    elif arguments.csv:
        from lib.lab import latency_tables
        print(latency_tables.csv(latencies), end="")
    else:
        print("\n\n".join(described(latency, device.name, place) for latency, place in zip(latencies, places(latencies))))
        for line in [*doubts(latencies), *remarks(latencies)]:
            print(f"\n{line}")


def print_training(arguments: argparse.Namespace) -> None:
    chosen_device(arguments.device)
    shell.print_training(arguments, lambda preset: Network.of(lib.analyze(preset, **settings(arguments.set))))


def chosen_setting(arguments: argparse.Namespace) -> tuple[Setting, Device]:
    """The setting of the options, and its device. Raises `Impossible` for what is not here."""
    setting = Setting.read({name: value for name in TIME_OPTIONS if (value := getattr(arguments, name)) is not None})
    device = chosen_device(setting.device)
    for name, value in setting:
        if reason := value != Setting.model_fields[name].default and device.why_not(name, value):
            raise lib.Impossible(reason)
    return setting, device


def chosen_device(id: str) -> Device:
    """The device of this id. Raises `Impossible` if it is not here."""
    here = devices()
    device = next((device for device in here if device.id == id), None)
    if device is None:
        raise lib.Impossible(f"There is no device “{id[:40]}” here; the devices are "
                             f"{', '.join(device.id for device in here)}. {' '.join(absences().values())}")
    return device


def show_progress(step: Step) -> None:
    print(f"\r{step.share:4.0%} {step.doing:70.70}", end="", file=sys.stderr)


def described(latency: Latency, device: str, place: str) -> str:
    """A network's times in lines, with the digits that its repetitions bear."""
    spread, peak = latency.latency_ms, latency.peak_memory_bytes
    middle, low, high, throughput, speed = (text(value, spread.figures) for value in (
        spread.median, spread.p10, spread.p90, latency.throughput, latency.flop_per_second / 1e9))
    lines = [f"{latency.label}, batch {latency.batch}, {latency.dtype}, on {device}",
             f"latency         {middle:>17} ms (10th to 90th percentile {low} to {high})",
             f"throughput      {throughput:>17} images/s", f"achieved        {speed:>17} GFLOP/s",
             f"peak memory     {'unknown' if peak is None else f'{peak:,}':>17} bytes ({latency.memory_source})"]
    return "\n".join(lines + [f"place           {place:>17}"] * bool(place))


def print_devices(as_json: bool) -> None:
    if as_json:
        print(json.dumps({"devices": [device.model_dump() for device in devices()], "absent": absences()}, indent=1))
        return
    for device in devices():
        print(f"{device.id:8} {device.name}, {device.memory_bytes / 2**30:.1f} GiB")
        for choice, reason in device.refused.items():
            print(f"  not {choice}: {reason}")
    for reason in absences().values():
        print(reason)


TIME_OPTIONS = ("device", "batch", "dtype", "mode", "channels_last", "threads", "flush_l2")

COMMANDS = {"list": lambda arguments: print_list(arguments.json), "analyze": print_analysis, "plan": print_plan, "time": print_time,
            "train": print_training,
            "devices": lambda arguments: print_devices(arguments.json)}


def main() -> int:
    try:
        arguments = parser().parse_args()
        COMMANDS[arguments.command](arguments)
        sys.stdout.flush()
    except lib.Impossible as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads, as `head` does, has seen enough; what is left goes nowhere
        drop_output()
    except OSError as error:
        drop_output()
        print(f"The output could not be written: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def drop_output() -> None:
    """What is still to be written goes nowhere, so that Python does not try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
