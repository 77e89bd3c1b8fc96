"""The limits of a server, read from `timing.toml` in the project's folder (or the file that TIMING_LIMITS names)."""

import os
import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from lib.architecture import Impossible

FILE = Path(__file__).parent.parent / "timing.toml"


class Limits(BaseModel):
    """What a visitor may ask for; the file says what each means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    devices: tuple[str, ...]
    largest_batch: int = Field(ge=1, le=256)
    most_networks: int = Field(ge=1, le=1000)
    seconds_per_network: float = Field(gt=0, le=86_400)
    seconds_per_run: float = Field(gt=0, le=86_400)
    longest_queue: int = Field(ge=1, le=1000)
    places_per_visitor: int = Field(3, ge=1, le=1000)
    memory_share: float = Field(gt=0, le=1)
    catalogue_sweep: bool
    keep_runs: bool
    most_runs: int = Field(ge=1, le=1_000_000)
    largest_import: int = Field(ge=1, le=1_000_000_000)
    race_networks: int = Field(5, ge=2, le=5)
    race_seeds: int = Field(5, ge=1, le=20)
    race_epochs: int = Field(100, ge=1, le=1000)
    race_layers: int = Field(170, ge=1, le=10_000)
    race_parameters: int = Field(5_000_000, ge=1, le=1_000_000_000)
    race_seconds: float = Field(600, gt=0, le=86_400)
    most_curves: int = Field(5000, ge=1, le=1_000_000)
    most_state_bytes: int = Field(500_000_000, ge=0, le=1_000_000_000_000)
    pictures: dict[str, str] = {}
    most_pictures: int = Field(5000, ge=20, le=1_000_000)
    fetch_weights: bool = False
    plan_characters: int = Field(20_000, ge=100, le=20_000)
    plan_rows: int = Field(400, ge=10, le=10_000)
    plan_operations: int = Field(4000, ge=10, le=100_000)
    plan_parameters: int = Field(500_000_000, ge=1, le=10**11)

    @field_validator("places_per_visitor")
    @classmethod
    def leaves_room(cls, places: int, info: ValidationInfo) -> int:
        """A visitor may have the whole line only where it has one place."""
        longest = info.data.get("longest_queue", places + 1)
        if places >= max(longest, 2):
            raise PydanticCustomError("room", f"Choose less than longest_queue = {longest}, or one visitor can fill a line")
        return places

    def allows(self, device: str) -> bool:
        """Whether this device may be used: by its own name, or as one of its kind."""
        return device in self.devices or device.partition(":")[0] in self.devices


@cache
def limits() -> Limits:
    """The limits. Raises `Impossible` if the file is not right: better at the start than later."""
    path = Path(os.environ.get("TIMING_LIMITS", FILE))
    try:
        return Limits.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise Impossible(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    except (OSError, ValueError) as error:  # not there, no text, no TOML
        raise Impossible(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
