"""Every place of the workers before and after an effect: read from their code, so that the list can't go stale."""

import ast
from pathlib import Path

from tests.workers.house import ROOT

WORKERS = ROOT / "workers"


def named_in(path: Path) -> list[str]:
    """The names that the code of a worker gives to `around`."""
    calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
    found = [c.args[0] for c in calls if isinstance(c.func, ast.Name) and c.func.id == "around"]
    assert all(isinstance(name, ast.Constant) for name in found), (
        f"{path}: a place without a plain name"
    )
    return [str(name.value) for name in found if isinstance(name, ast.Constant)]


NAMES = [name for path in sorted(WORKERS.glob("*.py")) for name in named_in(path)]
EFFECTS = [
    name
    for name in sorted(set(NAMES))
    if not name.startswith("script.")  # those need a pool: tests/batch/test_launch_scripts.py
]
POINTS = [f"{name}.{side}" for name in EFFECTS for side in ("before", "after")]
