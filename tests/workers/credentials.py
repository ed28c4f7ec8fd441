"""Experiment `hypot`'s folder of credentials, and a program that renews a token in it."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt

from db.pool import Pool
from tests.factories import Factory
from tests.workers.house import House

KEY = "a key of the tests that is long enough"

RENEW = """
import os, sys, time, jwt
place, lasts = os.environ["BEARER_TOKEN_FILE"], float(sys.argv[1])
runs = sys.argv[2]
with open(runs, "a") as file:
    print(sorted(name for name in os.environ if name.startswith("POMS_")), sys.argv[3:], file=file)
token = jwt.encode({"sub": "hypotpro", "exp": int(time.time() + lasts)}, sys.argv[3], "HS256")
print("got", token, flush=True)
if os.path.exists(runs + ".fail"):
    sys.exit("no vault today")
if os.path.exists(runs + ".hang"):
    time.sleep(600)
with open(place + ".new", "w") as file:
    file.write(token)
os.rename(place + ".new", place)
"""


def make_token(lasts_s: float) -> str:
    return jwt.encode({"sub": "hypotpro", "exp": int(time.time() + lasts_s)}, KEY, "HS256")


@dataclass
class CredentialFolder:
    """The credential that login setups of the house use."""

    house: House
    plant: Factory
    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def make(cls, house: House, plant: Factory, **columns: Any) -> "CredentialFolder":
        made = cls(
            house, plant, {"POMS_CREDENTIALS": str(house.tmp / "vault"), "POMS_RENEWAL_S": "2"}
        )
        made.file.parent.mkdir(parents=True)
        made.program.write_text(RENEW)
        values = {"name": "pass", "kind": "token", "path": "pass.token"}
        values |= {"owning_role": "production", **columns}
        marks = ", ".join(f"${n}" for n in range(3, 3 + len(values)))
        id = await plant.db.fetchval(
            f"INSERT INTO credential (experiment_id, owner_id, {', '.join(values)}) "
            f"VALUES ($1, $2, {marks}) RETURNING id",
            plant.experiment_id, plant.person_id, *values.values(),
        )  # fmt: skip
        await plant.db.execute("UPDATE login_setup SET credential_id = $1", id)
        return made

    @property
    def db(self) -> Pool:
        return self.plant.db

    @property
    def file(self) -> Path:
        return self.house.tmp / f"vault/e{self.plant.experiment_id}/pass.token"

    @property
    def program(self) -> Path:
        return self.house.tmp / "renew.py"

    @property
    def runs(self) -> Path:
        return self.house.tmp / "runs"

    async def holds(self) -> bool:
        """Whether POMS knows that it can be used, and for longer than a minute."""
        ok = "SELECT problem = '' AND expires_at > now() + interval '1 minute' FROM credential"
        return bool(await self.db.fetchval(ok))


def build_renewal_command(house: House) -> list[str]:
    """The command that renews the token for an hour."""
    words = [
        str(house.tmp / "renew.py"),
        "3600",
        str(house.tmp / "runs"),
        KEY,
        "; echo $(no shell)",
    ]
    return [sys.executable, *words]
