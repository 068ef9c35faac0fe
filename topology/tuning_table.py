"""`python -m topology.tuning_table`: docs/tuning.md, from the product's code. `make tuning` writes it.

A tuning constant stands at a module's level and is annotated with a unit of topology/tuning.py. What it is for stands in the
comment on its line, else in the text below it, else in the comment above it. What follows "Gained:" there was measured.
In a script of the page every constant in milliseconds is one.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = {"bench", "proofs", "tests", "docs", "static", "templates"}
UNITS = {
    "Seconds": "s",
    "WholeSeconds": "s",
    "Milliseconds": "ms",
    "PerSecond": "per second",
    "Count": "number",
    "Bytes": "bytes",
    "Times": "times",
}
GAINED = re.compile(r"\s*Gained:\s*")
IN_A_SCRIPT = re.compile(r"^(?:export )?const ([A-Z_]+_MS) = ([\d_]+);(?: // (.*))?$", re.MULTILINE)
HEAD = """# Tuning constants

Every pace, size and patience that was chosen for speed or calm, and could be chosen otherwise. Generated from the code by
`make tuning`; a test compares the two. A number that is part of a contract, a promised limit or a length on a page is not tuning,
and neither is what a person sets (README).

*Gained* is what a measurement said when the constant was chosen. Where it is empty nobody has measured it.
"""
COLUMNS = ("| Constant | Value | Unit | For | Gained |", "|---|---|---|---|---|")


class TuningError(ValueError):
    """A tuning constant does not say what it is for. The text names its place."""


@dataclass(frozen=True, slots=True)
class Constant:
    """`value` as the code has it."""

    room: str
    name: str
    value: str
    unit: str
    purpose: str
    gained: str


def constants(root: Path = ROOT) -> list[Constant]:
    """Those of the product, by name. Raises TuningError."""
    rooms = sorted(path for path in root.iterdir() if (path / "__init__.py").is_file() and path.name not in OUTSIDE)
    modules = [file for room in rooms for file in sorted(room.rglob("*.py"))]
    scripts = sorted((root / "static").rglob("*.js"))
    found = [one for file in modules for one in _of_module(file, file.relative_to(root).with_suffix("").parts)]
    return found + [one for file in scripts for one in _of_script(file, str(file.relative_to(root)))]


def page(found: list[Constant]) -> str:
    """The document."""
    rooms: dict[str, list[Constant]] = {}
    for one in found:
        rooms.setdefault(one.room, []).append(one)
    parts = [HEAD]
    for room, rows in rooms.items():
        lines = [f"| `{one.name}` | {one.value} | {one.unit} | {one.purpose} | {one.gained} |" for one in rows]
        parts.append("\n".join([f"## {room}", "", *COLUMNS, *lines, ""]))
    return "\n".join(parts)


def _of_module(file: Path, parts: tuple[str, ...]) -> Iterator[Constant]:
    source = file.read_text()
    if "tuning import" not in source:
        return
    lines, body = source.splitlines(), ast.parse(source).body
    for node, below in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
            continue
        names = {one.id for one in ast.walk(node.annotation) if isinstance(one, ast.Name)} & UNITS.keys()
        if names:
            name, value = ".".join([*parts, node.target.id]), ast.unparse(node.value)
            yield _constant(parts[0], name, value, UNITS[min(names)], _text(node, below, lines))


def _of_script(file: Path, path: str) -> Iterator[Constant]:
    for name, value, text in IN_A_SCRIPT.findall(file.read_text()):
        yield _constant("static", f"{path} {name}", value.replace("_", ""), UNITS["Milliseconds"], text)


def _constant(room: str, name: str, value: str, unit: str, text: str) -> Constant:
    purpose, *gained = GAINED.split(text.replace("|", "\\|"), maxsplit=1)
    if not purpose:
        raise TuningError(f"{name} does not say what it is for")
    return Constant(room, name, value, unit, purpose, "".join(gained))


def _text(node: ast.AnnAssign, below: ast.stmt | None, lines: list[str]) -> str:
    """On its line, else below it, else above it."""
    assert node.end_lineno is not None
    _, _, on_line = lines[node.end_lineno - 1][node.end_col_offset or 0 :].partition("#")
    if on_line:
        return on_line.strip()
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
        return " ".join(below.value.value.split())
    above: list[str] = []
    for line in reversed(lines[: node.lineno - 1]):
        if not line.startswith("#"):
            break
        above.insert(0, line.lstrip("# "))
    return " ".join(above)


if __name__ == "__main__":
    (ROOT / "docs" / "tuning.md").write_text(page(constants()))
