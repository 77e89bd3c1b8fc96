"""The words and numbers of records, each with the range that it may have: a file of runs may say anything."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

Line = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f]*$")]
"""A text without line breaks and other control characters."""
Text = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]

Count = Annotated[int, Field(ge=0, le=10**6)]
"""Of what is counted one by one: repetitions, cores, threads."""
Batch = Annotated[int, Field(ge=1, le=10**6)]
Macs = Annotated[int, Field(ge=1, le=10**18)]
Params = Annotated[int, Field(ge=0, le=10**15)]
Bytes = Annotated[int, Field(ge=0, le=10**18)]

Milliseconds = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]
"""Up to eleven days."""
PassTime = Annotated[float, Field(gt=0, le=10**9, allow_inf_nan=False)]
"""The milliseconds of a whole pass, which always takes some."""
Difference = Annotated[float, Field(ge=-10**9, le=10**9, allow_inf_nan=False)]
"""Milliseconds by which two times differ."""
Seconds = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=10**6, allow_inf_nan=False)]
"""Of one, or of one core; what scatters may be many times its middle."""
PerSecond = Annotated[float, Field(ge=0, le=10**24, allow_inf_nan=False)]

LONGEST_TEXT = 20_000
"""Characters of a text in the knobs of a network: the longest is a plan."""

MOST_PARTS = 1000
"""Items of a list or names of a mapping in the knobs of a network."""


def _bounded(value: Any) -> Any:
    """Any value of a knob. Raises ValueError for a number or a text that no knob has."""
    if isinstance(value, (int, float)) and not abs(value) <= 10**12:
        raise ValueError("a knob has a number that is too large")
    if isinstance(value, str) and (len(value) > LONGEST_TEXT or any(letter < " " for letter in value)):
        raise ValueError("a knob has a text that is too long, or control characters")
    if isinstance(value, (Mapping, Sequence)) and not isinstance(value, str):
        if len(value) > MOST_PARTS:
            raise ValueError("a knob has too many parts")
        for part in (*value, *value.values()) if isinstance(value, Mapping) else value:
            _bounded(part)
    return value


Changed = Annotated[dict[str, Any], AfterValidator(_bounded)]
"""Knobs by their names."""
