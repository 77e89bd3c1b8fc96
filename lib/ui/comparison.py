"""The state of Compare: two to four networks in slots a to d, read from a link and written to it."""

from __future__ import annotations

from collections.abc import Mapping

from lib.ui.network import DEFAULT, Choice, read_choice

SLOTS = ("a", "b", "c", "d")
PARTNER = "resnext50_32x4d"
FEWEST = 2


def read(address: Mapping[str, str], fewest: int = FEWEST) -> tuple[list[Choice], list[str]]:
    """The networks in a link (`a=resnet50&b=vgg16&b.width=32`), filled up to `fewest`, and a sentence for each part that
    could not be used."""
    given: dict[str, dict[str, str]] = {}
    problems = []
    for name, text in address.items():
        slot, _, knob = name.partition(".")
        if slot in SLOTS:
            given.setdefault(slot, {})[knob or "preset"] = text
        else:
            problems.append(f"There is no “{name[:40]}” on this page; networks are a, b, c and d, "
                            "and their knobs b.width and so on.")
    choices = []
    for slot in SLOTS:
        if slot in given and "preset" not in given[slot]:
            problems.append(f"{slot} has knobs but no network, so they were left out.")
        elif slot in given:
            choice, wrong = read_choice(given[slot])
            choices.append(choice)
            problems += [f"{slot}: {problem}" for problem in wrong]
    for preset in (DEFAULT, PARTNER, "resnet18"):
        if len(choices) < fewest and preset not in [choice.preset for choice in choices]:
            choices.append(Choice(preset))
    return choices, problems


def parameters(choices: list[Choice]) -> dict[str, str]:
    """The networks as the parameters of a link."""
    return {f"{slot}.{name}" if name != "preset" else slot: text
            for slot, choice in zip(SLOTS, choices) for name, text in choice.parameters().items()}


def beside(choice: Choice) -> list[Choice]:
    """What to compare a network with: its preset where it was changed, or else the page's usual partners."""
    first = Choice(choice.preset) if choice.changed else Choice(DEFAULT if choice.preset != DEFAULT else PARTNER)
    return [first, choice]


def names(choices: list[Choice]) -> list[str]:
    """What to call each network: its preset, with its slot's letter where others would have the same name."""
    presets = [choice.preset for choice in choices]
    return [f"{slot}: {choice.preset}{' (changed)' if choice.changed else ''}"
            if presets.count(choice.preset) > 1 else choice.preset + (" (changed)" if choice.changed else "")
            for slot, choice in zip(SLOTS, choices)]
