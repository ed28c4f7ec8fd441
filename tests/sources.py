"""The files of the repository, for tests that read its code."""

import ast
import gc
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


@cache
def parse_module(path: Path) -> ast.Module:
    # CPython 3.11 counts its depth wrong where the collector runs meanwhile, which is a SystemError.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        if was_enabled:
            gc.enable()


def list_tracked_files() -> list[Path]:
    """Files of the repository that people wrote, those too that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and "dist" not in path.parts]
