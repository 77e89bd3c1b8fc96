"""Definitions of the catalogue for a file that runs without it: blocks, what they are made of, and what they import."""

from __future__ import annotations

import ast
import inspect
import symtable
import sys
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from textwrap import wrap

from lib.code import parsed


class Borrowed:
    """Definitions of the catalogue, in an order that runs. Of two with the same name the second gets its module's before it.
    `texts` has those of each module by their lines, `needs` the other modules that these take something from."""

    def __init__(self, imports: Iterable[tuple[str, str]], taken: Iterable[str]):
        self.imports = set(imports)
        self.taken = set(taken)
        self.names: dict[tuple[str, str], str] = {}
        self.modules: dict[str, dict[str, ast.stmt]] = {}
        self.texts: dict[str, dict[int, str]] = {}
        self.needs: dict[str, set[str]] = {}

    def name(self, module: str, name: str) -> str:
        """What stands in the file for a name of a module of the catalogue; its definition is put there, if it is not yet."""
        if module not in self.modules:
            self.modules[module], self.texts[module], self.needs[module] = bindings(module), {}, set()
        statement = self.modules[module][name]
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            return self.imported(module, name, statement)
        if (module, name) not in self.names:
            self.names[module, name] = self.free(name, _with_module(module, name))
            self.texts[module][statement.lineno] = self.definition(module, name, statement)
        return self.names[module, name]

    def imported(self, module: str, name: str, statement: ast.Import | ast.ImportFrom) -> str:
        alias = next(alias for alias in statement.names if name in (alias.asname, alias.name))
        origin = statement.module if isinstance(statement, ast.ImportFrom) else ""
        if origin.startswith("lib."):
            self.needs[module].add(origin)
            return self.name(origin, alias.name)
        self.imports.add((origin, ast.unparse(alias)))
        return name

    def definition(self, module: str, name: str, statement: ast.stmt) -> str:
        """The text of a definition, with the names that the file has."""
        lines = inspect.getsource(sys.modules[module]).splitlines()[statement.lineno - 1:statement.end_lineno]
        text = "\n".join(lines)
        outside = read_outside(text) - {name}
        renamed = {each: self.name(module, each) for each in self.modules[module] if each in outside}
        return rename(text.replace(name, self.names[module, name], 1), renamed)

    def definitions(self) -> Iterator[str]:
        """The texts, those of each module under its paper."""
        for module in TopologicalSorter(self.needs).static_order():
            texts = [text for _line, text in sorted(self.texts[module].items())]
            yield from [_paper(module), *texts] if texts else []

    def free(self, *wanted: str) -> str:
        """The first of the names that the file does not have yet; the last with a number, if it has all."""
        numbered = (f"{wanted[-1]}{number}" for number in range(2, len(self.taken) + 3))
        name = next(name for name in (*wanted, *numbered) if name not in self.taken)
        self.taken.add(name)
        return name

    def import_lines(self) -> Iterator[str]:
        """The imports: first of the standard library, then of torch."""
        groups = [sorted(each for each in self.imports if _is_torch(each) == torchs) for torchs in (False, True)]
        for group in filter(None, groups):
            origins = sorted({origin for origin, _ in group})
            for origin in origins:
                names = [name for each, name in group if each == origin]
                yield from [f"from {origin} import {', '.join(names)}"] if origin else [f"import {name}" for name in names]
            yield ""


def _is_torch(each: tuple[str, str]) -> bool:
    return (each[0] or each[1]).startswith("torch")


def _with_module(module: str, name: str) -> str:
    """`BnInceptionFilters`, or `mobilenet_v2_convolution` of a function."""
    home = module.rpartition(".")[2]
    if not name[0].isupper():
        return f"{home}_{name}"
    title = home.title().replace("_", "")
    return title if title.endswith(name) else f"{title}{name}"


def _paper(module: str) -> str:
    """What a module of the catalogue says of its origin, as a comment."""
    first = inspect.getdoc(sys.modules[module]).partition("\n\n")[0]
    return "\n".join(wrap(first, 100, initial_indent="# ", subsequent_indent="# "))


def bindings(module: str) -> dict[str, ast.stmt]:
    """The statements at the top of a module, by the names that they bind."""
    found: dict[str, ast.stmt] = {}
    for statement in parsed(inspect.getsource(sys.modules[module])).body:
        match statement:
            case ast.FunctionDef() | ast.ClassDef():
                found[statement.name] = statement
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = statement
            case ast.Import() | ast.ImportFrom():
                found |= {alias.asname or alias.name: statement for alias in statement.names}
            case ast.Expr() if found:  # what a constant means, in the line after it
                list(found.values())[-1].end_lineno = statement.end_lineno
    return found


def read_outside(text: str) -> set[str]:
    """The names that a definition takes from its module."""
    tables = [symtable.symtable(text, "definition", "exec")]
    for table in tables:
        tables.extend(table.get_children())
    return {symbol.get_name() for table in tables for symbol in table.get_symbols() if symbol.is_global()}


def rename(text: str, names: dict[str, str]) -> str:
    """A definition with other names for what it takes from its module."""
    lines = text.encode().split(b"\n")
    read = (node for node in ast.walk(parsed(text)) if isinstance(node, ast.Name))
    found = [node for node in read if names.get(node.id, node.id) != node.id]
    for node in sorted(found, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line[:node.col_offset] + names[node.id].encode() + line[node.end_col_offset:]
    return b"\n".join(lines).decode()
