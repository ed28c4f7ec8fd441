"""A real OpenID provider, oidc-provider on node, whose keys tests make and rotate."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from up.children import spawn_process
from up.ports import find_free_port

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".pools/identity-provider/node_modules"
PROGRAM = Path(__file__).with_name("provider") / "provider.mjs"


def find_node() -> str:
    """Without it and the provider tests are skipped, or fail where `POMS_POOLS` is `required`."""
    node = shutil.which("node") or shutil.which("node", path=str(ROOT / ".venv/bin"))
    if node is None or not INSTALLED.exists():
        if os.environ.get("POMS_POOLS") == "required":
            pytest.fail("nothing in .pools/identity-provider: run `make identity-provider`")
        pytest.skip("nothing in .pools/identity-provider: run `make identity-provider`")
    return node


class OidcProvider:
    """Where it answers, with which keys, and how it is stopped and begun again."""

    def __init__(self, folder: Path, people: Mapping[str, Any], redirect: str) -> None:
        self._node, self._port = find_node(), find_free_port()
        self.host = f"127.0.0.1:{self._port}"
        self.url = f"http://{self.host}"
        self._folder, self._keys = folder, folder / "keys"
        self._keys.mkdir()
        # The program stands beside its packages for node to find them.
        shutil.copy(PROGRAM, folder)
        (folder / "node_modules").symlink_to(INSTALLED)
        self._env = {"PATH": os.environ["PATH"], "PEOPLE": json.dumps(people), "REDIRECT": redirect}
        self._process: subprocess.Popen[bytes] | None = None

    def add_key(self, name: str, algorithm: str = "RS256") -> None:
        """Have it sign with a new key, too; from its next start."""
        made: Any
        if algorithm == "RS256":
            made = jwt.algorithms.RSAAlgorithm.to_jwk(
                rsa.generate_private_key(65537, 2048), as_dict=True
            )
        else:
            made = jwt.algorithms.ECAlgorithm.to_jwk(
                ec.generate_private_key(ec.SECP256R1()), as_dict=True
            )
        made.pop("key_ops", None)
        key = {**made, "kid": name, "alg": algorithm, "use": "sig"}
        (self._keys / f"{name}.json").write_text(json.dumps(key))

    def withdraw_key(self, name: str) -> None:
        """Have it forget a key; from its next start."""
        (self._keys / f"{name}.json").unlink()

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = spawn_process(
                [self._node, self._folder / PROGRAM.name, str(self._port), self._keys],
                env=self._env,
                feed=subprocess.PIPE,
                out=subprocess.PIPE,
                err=log,
            )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, (self._folder / "log").read_text()[-2000:]
        assert json.loads(line)["url"] == self.url

    def stop(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=20)

    def restart(self) -> None:
        self.stop()
        self.start()

    def sign(self, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token with these claims, with the others that it gives every one."""
        assert self._process
        assert self._process.stdin
        assert self._process.stdout
        asked = json.dumps({"claims": claims, "header": header or {"kid": "first"}}) + "\n"
        self._process.stdin.write(asked.encode())
        self._process.stdin.flush()
        token: str = json.loads(self._process.stdout.readline())["token"]
        return token

    def read_public_key(self, name: str) -> Any:
        """What everybody can read of a key."""
        keys = httpx2.get(f"{self.url}/jwks").json()["keys"]
        return jwt.PyJWK(next(each for each in keys if each["kid"] == name)).key


@contextmanager
def run_provider(folder: Path, people: Mapping[str, Any], redirect: str) -> Iterator[OidcProvider]:
    """One with the key `first`, as long as the block lasts."""
    made = OidcProvider(folder, people, redirect)
    made.add_key("first")
    made.start()
    try:
        yield made
    finally:
        made.stop()
