"""Submitting with a SciToken: on a pool of the rolling suite, whose HTCondor can be taught an issuer's key."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from batch.htcondor import HTCondorAccess
from domain.submissions.jobs import JobState
from tests.batch.batch_fixtures import CommittingFeed, HTCondorFixture
from tests.batch.pools import NEWER, Pool
from up import children, home

ISSUER = "https://localhost:19443"
CONFIG = """
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, IDTOKENS, SCITOKENS
AUTH_SSL_SERVER_CERTFILE = {folder}-keys/host.pem
AUTH_SSL_SERVER_KEYFILE = {folder}-keys/host.key
AUTH_SSL_CLIENT_CAFILE = {folder}-keys/host.pem
SCITOKENS_SERVER_AUDIENCE = ANY
SEC_SCITOKENS_CACHE = {folder}-keys/cache
CERTIFICATE_MAPFILE = {folder}-keys/map
"""
PRELOAD = """
import ctypes, glob, sys, sysconfig, htcondor2
(path,) = glob.glob(sysconfig.get_paths()["purelib"] + "/htcondor.libs/libSciTokens-*")
library, said = ctypes.CDLL(path), ctypes.c_char_p()
home, issuer, keys = (word.encode() for word in sys.argv[1:])
assert not library.scitoken_config_set_str(b"keycache.cache_home", home, ctypes.byref(said)), said.value
assert not library.keycache_set_jwks(issuer, keys, ctypes.byref(said)), said.value
"""


@dataclass
class Keys:
    """A host's certificate, and an issuer of tokens that HTCondor knows without asking it."""

    folder: Path
    issuer: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, folder: Path) -> "Keys":
        (folder / "cache").mkdir(parents=True)
        made = cls(folder, ec.generate_private_key(ec.SECP256R1()))
        made._certificate()
        (folder / "map").write_text(f'SCITOKENS "^{ISSUER},(.*)$" \\1\n')
        keys = json.dumps({"keys": [made._public()]})
        words = [sys.executable, "-c", PRELOAD, str(folder / "cache"), ISSUER, keys]
        subprocess.run(words, check=True, capture_output=True)
        for path in (folder, *folder.rglob("*")):
            home.give_ownership(path, children.find_run_account())
        return made

    def _certificate(self) -> None:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        names = [x509.DNSName(n) for n in ("localhost", "127-0-0-1.pool.test")]
        there = x509.SubjectAlternativeName([*names, x509.IPAddress(IPv4Address("127.0.0.1"))])
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(there, critical=False)
            .sign(key, hashes.SHA256())
        )
        pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        open_ = serialization.NoEncryption()
        (self.folder / "host.pem").write_bytes(made.public_bytes(pem))
        (self.folder / "host.key").write_bytes(key.private_bytes(pem, private, open_))
        (self.folder / "host.key").chmod(0o600)

    def _public(self) -> dict[str, str]:
        point = self.issuer.public_key().public_numbers()
        x, y = (
            base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode()
            for n in (point.x, point.y)
        )
        return {
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "use": "sig",
            "kid": "k",
            "x": x,
            "y": y,
        }

    def token(self, subject: str) -> Path:
        now = datetime.now(UTC)
        claims = {
            **{"iss": ISSUER, "sub": subject, "aud": "https://wlcg.cern.ch/jwt/v1/any"},
            **{
                "wlcg.ver": "1.0",
                "scope": "compute.read compute.create compute.modify compute.cancel",
            },
            **{"iat": now, "nbf": now, "exp": now + timedelta(hours=1), "jti": "one"},
        }
        path = self.folder / subject
        path.write_text(jwt.encode(claims, self.issuer, "ES256", {"kid": "k"}))
        return path


@pytest.fixture
def keys(pool: Pool, service_home: Path) -> Keys:
    """`pool` has seen to it that there can be one."""
    if not NEWER.exists():
        pytest.skip("no HTCondor of the rolling suite in .pools/condor-forky: run `make pools`")
    return Keys.make(service_home / "condor3-keys")


@pytest.fixture
def newer(keys: Keys, service_home: Path) -> Iterator[HTCondorFixture]:
    made = Pool.start(service_home / "condor3", more=CONFIG, condor=NEWER)
    tokens = made.token(service_home / "tokens3")
    access = HTCondorAccess(
        f"localhost:{made.port}", tokens=tokens, file_system="pool.test", call_s=20
    )
    spool = service_home / "spool-of-newer"
    spool.mkdir()
    bench = HTCondorFixture(spool, made, replace(access, authorities=keys.folder / "host.pem"))
    yield bench
    bench.condor.close()
    made.stop()


async def test_a_launch_with_a_scitoken_is_its_subjects(newer: HTCondorFixture, keys: Keys) -> None:
    feed = CommittingFeed(newer.system)
    # HTCondor 25 knows a super user only once it has submitted something.
    await newer.system.submit(newer.launch("ours", "true"))
    launch = newer.launch("m1", 'echo x > "$POMS_JOB.out"')
    native_id = await newer.submit(replace(launch, credential=keys.token("dunepro")))
    owner = newer._pool.run("condor_q", native_id, "-af", "Owner").stdout.strip()
    assert owner == "dunepro"
    await newer.open(native_id)
    assert await feed.until_over(native_id, [1]) == {1: JobState.SUCCEEDED}
