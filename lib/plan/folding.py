"""Python on several lines where one is too long, as a person breaks it."""

from collections.abc import Iterator

WIDTH = 100
"""Characters of a line, with the comma after an argument."""

PAIRS = {"(": ")", "[": "]"}


def fold(code: str, indent: int = 0) -> str:
    """A statement or an argument. If it is too long, what stands in its last brackets has a line of its own, or each part of
    it has one; so it is, too, where a comma stands before a closing bracket."""
    if indent + len(code) < WIDTH and ",)" not in code or not code.endswith((")", "]")):
        return " " * indent + code
    head, inside, tail = _opened(code)
    parts = list(_parts(inside))
    while len(parts) == 1 and inside.endswith((")", "]")) and "=" not in _opened(inside)[0]:  # both open and close together
        inner, inside, end = _opened(inside)
        head, tail, parts = head + inner, end + tail, list(_parts(inside))
    comma = "" if any(part.startswith("for ") for part in parts) else ","
    if ",)" not in f"{inside})" and indent + 4 + len(inside) <= WIDTH:
        lines = [" " * (indent + 4) + inside]
    else:
        lines = [fold(part, indent + 4) + comma for part in parts]
    return "\n".join([" " * indent + head, *lines, " " * indent + tail])


def _opened(code: str) -> tuple[str, str, str]:
    """What stands before, in and after the last brackets of a code that ends with them."""
    depth = 0
    for place in reversed(range(len(code))):
        depth += (code[place] in PAIRS.values()) - (code[place] in PAIRS)
        if not depth:
            break
    return code[:place + 1], code[place + 1:-1], code[-1]


def _parts(inside: str) -> Iterator[str]:
    """Arguments between commas, and the `for` of a comprehension."""
    depth, begun = 0, 0
    for place, sign in enumerate(inside):
        depth += (sign in PAIRS) - (sign in PAIRS.values())
        ends = sign == "," or inside.startswith(" for ", place)
        if not depth and ends:
            yield inside[begun:place].strip()
            begun = place + 1
    if rest := inside[begun:].strip():
        yield rest
