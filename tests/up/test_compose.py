"""The compose file is one that compose accepts, and it asks for the secrets by name."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.up.stub_checkout import ROOT

SECRETS = (
    "POMS_SECRET", "POMS_DATABASE_PASSWORD", "POMS_OWNER_PASSWORD", "POMS_API_PASSWORD",
    "POMS_WORKER_PASSWORD", "POMS_REDIS_PASSWORD",
)  # fmt: skip


def find_compose() -> list[str] | None:
    """The command of compose v2, if this machine has it."""
    for words in (["docker-compose"], ["docker", "compose"]):
        if shutil.which(words[0]) is None:
            continue
        asked = subprocess.run(
            [*words, "version", "--short"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0 and asked.stdout.lstrip("v")[:1] not in ("", "1"):
            return words
    return None


def run_config(secrets: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    words = find_compose()
    if words is None:
        pytest.skip("there is no docker compose v2 here")
    env = {name: value for name, value in os.environ.items() if not name.startswith("POMS_")}
    env |= dict.fromkeys(secrets, "x" * 40)
    file = str(ROOT / "docker-compose.yml")
    nothing = folder / "env"
    nothing.touch()
    return subprocess.run(
        [*words, "--env-file", str(nothing), "-f", file, "config", "--quiet"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_compose_accepts_the_file(tmp_path: Path) -> None:
    checked = run_config(SECRETS, tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert checked.stderr == ""


@pytest.mark.parametrize("missing", SECRETS)
def test_a_missing_secret_is_asked_for_by_name(missing: str, tmp_path: Path) -> None:
    checked = run_config(tuple(name for name in SECRETS if name != missing), tmp_path)
    assert checked.returncode != 0
    assert f"Set {missing} in .env" in checked.stderr
