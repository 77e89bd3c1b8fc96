"""What the lessons compute and show: a folder each, with its steps, its questions and its own figures. No Streamlit here."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from lib.measuring import Measured

if TYPE_CHECKING:
    from lib.lessons.lesson import Lesson


@cache
def names() -> tuple[str, ...]:
    """The lessons by the names of their folders."""
    return tuple(module.name for module in iter_modules(__path__)
                 if module.ispkg and find_spec(f"{__name__}.{module.name}.steps"))


@cache
def find(name: str) -> "Lesson":
    """The lesson of this name."""
    return import_module(f"{__name__}.{name}.steps").LESSON


@cache
def measurements() -> dict[str, Measured]:
    """What the lessons measure on real networks, by names such as `residual.at_initialisation`."""
    return {name: measured for each in names() for name, measured in find(each).measured().items()}


def first_asked() -> dict[str, list[tuple]]:
    """For each measurement that lasts, the arguments that a class asks for first."""
    return {name: find(name.partition(".")[0]).first_asked(measured) for name, measured in measurements().items()
            if measured.lasting}
