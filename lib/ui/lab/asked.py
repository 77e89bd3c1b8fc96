"""What a visitor of the timing lab has chosen: networks, device and setting, read from a link and written to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from lib.analysis import Analysis
from lib.architecture import Impossible, options, size_text
from lib.devices import Device
from lib.lab.lab import lab
from lib.limits import limits
from lib.records import Network, Setting
from lib.ui import _, comparison
from lib.ui.address import plain
from lib.ui.controls import on_choice, say_refused, show_value, whole_number
from lib.ui.network import Choice


@dataclass(frozen=True)
class Asked:
    """The networks with what they cost, and how and where they are to run. `labels` tells the networks apart."""

    choices: list[Choice]
    networks: tuple[Network, ...]
    analyses: list[Analysis]
    labels: list[str]
    setting: Setting
    device: Device


def read(address: Mapping[str, str]) -> tuple[list[Choice], dict[str, object], list[str]]:
    """Networks (as on Compare), setting and problems of a link such as `a=resnet50&batch=8&device=cpu`."""
    address, values, problems = dict(address), {}, []
    for name in [name for name in Setting.model_fields if name in address]:  # the device comes first
        text = address.pop(name)
        try:
            values[name] = _allowed(name, Setting.read_one(name, text), values)
        except Impossible as error:
            problems.append(f"{error} The link's value was left out.")
    choices, wrong = comparison.read(address, fewest=1)
    return choices, values, problems + wrong


def _allowed(name: str, value: object, values: Mapping[str, object]) -> object:
    """The value, if this server's limits and the device allow it. Raises `Impossible` if not."""
    if name == "batch" and value > limits().largest_batch:
        raise Impossible(f"batch = {value} is more than this server allows; the largest is {limits().largest_batch}.")
    place = device(value if name == "device" else str(values.get("device", devices()[0].key)))
    if name == "threads" and value > place.cores:
        raise Impossible(f"threads = {value} is more than this device has; the largest is {place.cores}.")
    if why_not := place.why_not(name, value):
        raise Impossible(f"{name} = {str(value).lower()} is not possible here. {why_not}")
    return value


def parameters(choices: list[Choice], values: Mapping[str, object]) -> dict[str, str]:
    """The state as the parameters of a link."""
    return comparison.parameters(choices) | {
        name: str(value) if name == "device" else str(value).lower()
        for name, value in values.items() if value != Setting.model_fields[name].default}


def devices() -> list[Device]:
    """All devices that may be used."""
    return [line.worker.device for line in lab().lines.values()]


def device(name: str) -> Device:
    """The device of this key or, where no other has it, id. Raises `Impossible` if there is none."""
    found = [device for device in devices() if name in (device.key, device.id)]
    if not found:
        offered = ", ".join(dict.fromkeys(device.id for device in devices()))
        raise Impossible(f"device = {name[:40]} is not here; choose one of {offered}.")
    return found[0]


def choose_setting(values: dict[str, object], choices: list[Choice], analyses: list[Analysis]) -> tuple[Setting, Device]:
    """The controls of the setting. What the device cannot do is not on offer, and the reason is said beneath."""
    def set(name: str, value: object) -> None:
        values[name] = value
    offered = devices()
    chosen = device(str(values.get("device", offered[0].key)))
    several = len({device.host for device in offered}) > 1
    places, batches, sizes, threads = st.columns([2, 1, 1, 1])
    with places:
        show_value("timing_device", chosen.key)
        st.selectbox(_("Device"), [device.key for device in offered], key="timing_device", help=_("Where the network runs."),
                     format_func=lambda key: _device_name(device(key), several),
                     on_change=on_choice("timing_device", lambda key: set("device", _written(device(key)))))
    with batches:
        _number("batch", values, set)
    with sizes:
        _input_size(choices, analyses)
    with threads:
        values["threads"] = min(values.get("threads", 0), chosen.cores)
        _number("threads", values, set, disabled=chosen.id != "cpu")
    rows = st.columns([2, 2, 1.2, 1.2], vertical_alignment="bottom")
    for column, name in zip(rows, ("dtype", "mode", "channels_last", "flush_l2")):
        with column:
            _choice(name, values, chosen, set)
    reasons = {value: chosen.why_not(name, value) for name in ("dtype", "mode") for value in options(Setting, name)}
    if any(reasons.values()):
        st.caption(_("Not here: ") + " ".join(f"**{value}** – {plain(why)}" for value, why in reasons.items() if why))
    return Setting.read({name: value for name, value in values.items() if name != "device"} | {"device": chosen.id}), chosen


def _device_name(device: Device, several: bool) -> str:
    return f"{device.id}: {device.name}" + (f", {device.host}" if several else "")


def _written(chosen: Device) -> str:
    """A device as links write it: its id, or its key where several machines have one of this id."""
    return chosen.id if device(chosen.id) == chosen else chosen.key


def _number(name: str, values: dict, set, disabled: bool = False) -> None:
    declared, key = Setting.model_fields[name], f"timing_{name}"
    say_refused(key)
    whole_number(_(declared.title), values.get(name, declared.default), key,
                 lambda typed: set(name, _allowed(name, Setting.read_one(name, typed), values)),
                 help=_(declared.description), disabled=disabled)


def _choice(name: str, values: dict, chosen: Device, set) -> None:
    """Buttons for the values that this device can do; a switch is greyed where it cannot be on."""
    declared, key = Setting.model_fields[name], f"timing_{name}"
    more = {"key": key, "on_change": on_choice(key, lambda value: set(name, value))}
    if isinstance(declared.default, bool):
        why_not = chosen.why_not(name, True)
        values[name] = bool(values.get(name)) and not why_not
        show_value(key, values[name])
        st.toggle(_(declared.title), help=plain(why_not) or _(declared.description), disabled=bool(why_not), **more)
        return
    possible = [value for value in options(Setting, name) if not chosen.why_not(name, value)]
    if values.get(name, declared.default) not in possible:
        values[name] = possible[0]
    show_value(key, values.get(name, declared.default))
    st.segmented_control(_(declared.title), possible, required=True, help=_(declared.description), **more)


def _input_size(choices: list[Choice], analyses: list[Analysis]) -> None:
    """One size for all networks; empty while they differ."""
    def resize(typed: int) -> None:
        for analysis in analyses:
            type(analysis.knobs).read_one("input_size", typed)
        for choice in choices:
            choice.turn("input_size", typed)
    size, *others = {analysis.knobs.input_size for analysis in analyses}
    square = size if isinstance(size, int) and not others else None
    say_refused("timing_size")
    whole_number(_("Input size"), square, "timing_size", resize, placeholder=_("differs") if others else size_text(size),
                 help=_("Height and width of the image, in pixels, for all networks at once."))
