"""What the lessons compute: real blocks and networks compared. No Streamlit here."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from lib.measuring import Measurement, name_of


@cache
def measurements() -> dict[str, Measurement]:
    """What the lessons measure on real networks, by names such as `residual.at_initialisation`."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return {name_of(measurement.function): measurement
            for module in modules for measurement in getattr(module, "MEASUREMENTS", ())}
