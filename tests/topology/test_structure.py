"""No room is too big to survey: a folder has at most 15 modules, a module at most 300 lines. Tests alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES, LINES = 15, 300
ELSEWHERE = {"migrations", "static", "node_modules", "__pycache__"}  # generated, or not Python's


def modules(root: Path) -> Iterator[Path]:
    """The Python modules below a folder, but for `__init__`; hidden folders hold what is installed or running."""
    for path in root.rglob("*.py"):
        folders = path.relative_to(root).parts[:-1]
        if path.name != "__init__.py" and not any(name in ELSEWHERE or name.startswith(".") for name in folders):
            yield path


def crowded(root: Path) -> dict[str, int]:
    """Folder -> number of modules, where there are too many."""
    counted: dict[str, int] = {}
    for path in modules(root):
        folder = str(path.parent.relative_to(root))
        counted[folder] = counted.get(folder, 0) + 1
    return {folder: number for folder, number in counted.items() if number > MODULES}


def long(root: Path) -> dict[str, int]:
    """Module -> number of lines, where there are too many."""
    lengths = {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in modules(root)}
    return {name: length for name, length in lengths.items() if length > LINES}


def test_no_folder_has_too_many_modules() -> None:
    assert crowded(ROOT) == {}, f"more than {MODULES} modules: divide the folder by what its modules are for"


def test_no_module_is_too_long() -> None:
    assert long(ROOT) == {}, f"more than {LINES} lines: divide the module"


@pytest.mark.parametrize("more", [0, 1])
def test_what_is_found(tmp_path: Path, more: int) -> None:
    room = tmp_path / "house" / "room"
    for folder in (room, room / "migrations", tmp_path / ".venv"):
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    for number in range(MODULES + more):
        (room / f"module_{number}.py").touch()
    for number in range(MODULES + 5):
        (room / "migrations" / f"{number:04}.py").touch()
        (tmp_path / ".venv" / f"module_{number}.py").touch()
    (room / "module_0.py").write_text("#\n" * (LINES + more))
    assert crowded(tmp_path) == ({"house/room": MODULES + 1} if more else {})
    assert long(tmp_path) == ({"house/room/module_0.py": LINES + 1} if more else {})
