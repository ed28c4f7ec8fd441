"""Every place of the workers before and after an effect: read from their code, so that the list can't go stale."""

import ast
from pathlib import Path

from tests.sources import ROOT, parse_module
from workers.failpoints import wrap_failpoints

WORKERS = ROOT / "workers"


def list_named_points(path: Path) -> list[str]:
    """The names that the code of a worker gives to `wrap_failpoints`."""
    calls = [n for n in ast.walk(parse_module(path)) if isinstance(n, ast.Call)]
    wraps = wrap_failpoints.__name__
    found = [c.args[0] for c in calls if isinstance(c.func, ast.Name) and c.func.id == wraps]
    assert all(isinstance(name, ast.Constant) for name in found), (
        f"{path}: a place without a plain name"
    )
    return [str(name.value) for name in found if isinstance(name, ast.Constant)]


LEAST = 30
"""There are more: none would be tried if the list were empty by mistake."""
NAMES = [name for path in sorted(WORKERS.glob("*.py")) for name in list_named_points(path)]
assert len(NAMES) > LEAST
EFFECTS = [
    name
    for name in sorted(set(NAMES))
    # Those need a pool (tests/batch/test_launch_scripts.py), or a catalog (tests/catalogs/test_listings.py,
    # test_launches_in_sam.py, test_staging.py and test_outputs_declared.py).
    if not name.startswith(("script.", "listing.", "catalog.", "staging.", "outputs."))
]
POINTS = [f"{name}.{side}" for name in EFFECTS for side in ("before", "after")]
