"""Tokens of an issuer outside: which are good, whose they are, and what happens while it does not answer."""

import base64
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from db.pool import Pool
from identity import provider as issuers
from tests.application_server import make_token
from tests.identity.conftest import AUDIENCE, VIEWER, read_refusal, read_viewer, send_query
from tests.identity.oidc_provider import OidcProvider

ANALYSIS = {"preferred_username": "ines", "groups": ["/hypot/analysis"]}
Sign = Callable[..., str]
MEMBERSHIPS = """
    SELECT p.username, e.name, m.role::text FROM membership m
      JOIN person p ON p.id = m.person_id JOIN experiment e ON e.id = m.experiment_id
     WHERE p.username = $1
"""


@pytest.fixture
def sign(provider: OidcProvider) -> Sign:
    """Makes a token of ines, who is in a mapped group."""

    def sign(header: dict[str, Any] | None = None, **claims: Any) -> str:
        good = {"sub": "s-ines", "aud": AUDIENCE, **ANALYSIS}
        return provider.sign(header, **{**good, **claims})

    return sign


async def test_a_person_from_nowhere_is_made_with_the_mapped_role(
    service: str, db: Pool, sign: Sign
) -> None:
    assert await read_viewer(service, sign()) == ("ines", {"hypot": "ANALYSIS"})
    assert await read_viewer(service, sign()) == ("ines", {"hypot": "ANALYSIS"})
    assert [tuple(row) for row in await db.fetch(MEMBERSHIPS, "ines")] == [
        ("ines", "hypot", "analysis")
    ]
    told = await db.fetch(
        "SELECT kind FROM change WHERE part = 'identity' UNION ALL SELECT kind FROM change_inbox ORDER BY 1"
    )
    assert [row["kind"] for row in told] == ["membership.changed", "person.created"]
    # Another one of the same name is not her, and nobody without a mapped group is made.
    assert "somebody else called ines" in await read_refusal(service, sign(sub="s-other"))
    unmapped = sign(sub="s-paul", preferred_username="paul", groups=["/x"])
    assert "You are not known here" in await read_refusal(service, unmapped)
    # Nor is anybody taken for who is here already, admins least of all.
    admin = sign(sub="s-ada", preferred_username="ada")
    assert "somebody else called ada" in await read_refusal(service, admin)
    assert await db.fetchval("SELECT count(*) FROM identity") == 1


async def test_a_token_is_good_for_no_more_than_it_says_and_the_person_may(
    service: str, db: Pool, sign: Sign
) -> None:
    await read_viewer(service, sign())
    await db.execute(
        "UPDATE membership SET role = 'superuser' WHERE person_id = (SELECT id FROM person WHERE username = 'ines')"
    )
    await db.execute("UPDATE person SET is_admin = true WHERE username = 'ines'")
    query = """{ viewer { isAdmin } experiment(name: "hypot") { name } other: experiment(name: "other") { name } }"""
    members = """mutation { setMembership(input: {experiment: "hypot", username: "sam", role: null}) { __typename } }"""
    dataset = (
        """mutation { createDataset(input: {experiment: "hypot", name: "d"}) { __typename } }"""
    )

    async def try_out(token: str) -> tuple[bool, Any]:
        """Whether it shows the experiment, and what it makes of production's work."""
        data = (await send_query(service, token, query)).json()["data"]
        assert data["viewer"] == {"isAdmin": False}
        assert data["other"] is None
        denied = (await send_query(service, token, members)).json()["data"]["setMembership"]
        assert denied["__typename"] in ("NotPermitted", "NotFound")
        made = (await send_query(service, token, dataset)).json()
        return bool(data["experiment"]), made["data"]["createDataset"]["__typename"]

    role = """{ experiment(name: "hypot") { role } }"""
    await wait_for_answer(lambda: read_answer(service, make_token("ines"), role), "SUPERUSER")
    assert await try_out(sign()) == (True, "NotPermitted"), "what superusers make is production's"
    assert (await try_out(sign(groups=["/x"])))[0] is False
    shifter = sign(groups=[], scope="openid poms.operate:/hypot")
    assert await try_out(shifter) == (True, "NotPermitted")
    assert await try_out(sign(groups="nothing /hypot/production")) == (True, "Dataset")


async def test_roles_that_are_given_here_stay_and_those_of_the_issuer_follow_it(
    service: str, db: Pool, sign: Sign
) -> None:
    await read_viewer(service, sign())

    async def read_roles() -> list[str]:
        return [row["role"] for row in await db.fetch(MEMBERSHIPS, "ines")]

    await send_query(service, sign(groups=["/hypot/production"]))
    assert await read_roles() == ["production"]
    await db.execute("UPDATE membership SET role = 'superuser' WHERE role = 'production'")
    await send_query(service, sign())
    assert await read_roles() == ["superuser"]
    await db.execute("DELETE FROM membership WHERE role = 'superuser'")
    await send_query(service, sign())
    assert await read_roles() == [], "who was put out by hand is not let in again"


def encode_part(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forge_with_public_key(provider: OidcProvider, claims: dict[str, Any]) -> str:
    """By HS256 with what everybody can read, as if it were a secret."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = provider.read_public_key("first").public_bytes(serialization.Encoding.PEM, form)
    signed = f"{encode_part({'alg': 'HS256', 'kid': 'first'})}.{encode_part(claims)}"
    signature = hmac.digest(pem, signed.encode(), sha256)
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_what_is_not_for_us_not_now_or_not_signed_by_the_issuer_is_refused(
    service: str, provider: OidcProvider, sign: Sign
) -> None:
    now = int(time.time())
    good = {
        "sub": "s-ines",
        "aud": AUDIENCE,
        "iss": provider.url,
        "iat": now,
        "exp": now + 60,
        **ANALYSIS,
    }
    stranger = rsa.generate_private_key(65537, 2048)
    refused = {
        "audience": [sign(aud="https://other.test"), sign(aud=["a", "b"]), sign(aud="poms-web")],
        "expired": [sign(exp=now - 40)],
        "not valid yet": [sign(nbf=now + 90), sign(iat=now + 90)],
        "knows its issuer": [sign(iss="https://else.test"), sign(iss=["poms"]), sign(iss=None)],
        "way that is not allowed": [
            jwt.encode(good, "", "none", {"kid": "first"}),
            forge_with_public_key(provider, good),
            jwt.encode(good, stranger, "RS512", {"kid": "first"}),
        ],
        "is not valid here": [
            jwt.encode(good, stranger, "RS256", {"kid": "first"}),
            jwt.encode({**good, "iss": "poms"}, stranger, "RS256"),
            "x.y.z",
            sign(exp="soon"),
            sign(iat=-5),
            f"{encode_part({'alg': 'RS256', 'kid': 5})}.{encode_part(good)}.x",
            sign(iat=None),
        ],
        "no key": [jwt.encode(good, stranger, "RS256", {"kid": "theirs"})],
        "names nobody": [sign(sub="a" * 300)],
        "no user name": [sign(sub="s-new", preferred_username="no NAME")],
    }
    for why, tokens in refused.items():
        for token in tokens:
            assert why in await read_refusal(service, token), (why, token)
    for token in (sign(exp=now - 10), sign(nbf=now + 15, iat=now + 15), sign(aud=["a", AUDIENCE])):
        assert await read_viewer(service, token) == ("ines", {"hypot": "ANALYSIS"})


async def test_no_header_and_no_address_says_who_asks_or_what_they_may(
    service: str, sign: Sign
) -> None:
    claimed = {
        "x-remote-user": "ada", "remote-user": "ada", "x-forwarded-user": "ada", "x-role": "superuser",
        "x-auth-request-user": "ada", "x-forwarded-email": "ada@poms.test", "cookie": "poms_session=ada; role=boss",
    }  # fmt: skip
    async with httpx2.AsyncClient() as http:
        url = f"{service}/graphql?role=superuser&username=ada&experimenter=ada"
        nobody = await http.post(url, json={"query": VIEWER}, headers=claimed)
        assert nobody.status_code == httpx2.codes.UNAUTHORIZED
        shown = {**claimed, "authorization": f"Bearer {sign()}"}
        answer = await http.post(url, json={"query": VIEWER}, headers=shown)
    viewer = answer.json()["data"]["viewer"]
    assert (viewer["person"]["username"], viewer["isAdmin"]) == ("ines", False)
    assert [one["role"] for one in viewer["memberships"]] == ["ANALYSIS"]


async def test_who_is_put_out_or_whose_tokens_are_revoked_is_refused_at_once(
    service: str, db: Pool, sign: Sign
) -> None:
    token = sign()
    await read_viewer(service, token)
    revoke = (
        """mutation { revokeTokens(input: {username: "ines", reason: "mine"}) { __typename } }"""
    )
    assert (await send_query(service, token, revoke)).json()["data"]["revokeTokens"][
        "__typename"
    ] == "NotPermitted"
    await db.execute("UPDATE person SET tokens_since = clock_timestamp() WHERE username = 'ines'")
    await wait_for_answer(lambda: read_answer(service, token), "revoked")
    assert (await read_viewer(service, sign(iat=int(time.time()) + 20)))[0] == "ines"
    await db.execute("UPDATE person SET active = false WHERE username = 'ines'")
    await wait_for_answer(
        lambda: read_answer(service, sign(iat=int(time.time()) + 20)), "no active person"
    )


async def read_answer(service: str, token: str, query: str = VIEWER) -> str:
    return (await send_query(service, token, query)).text


async def wait_for_answer(read: Callable[[], Awaitable[str]], why: str) -> None:
    """Wait until an answer says this, for as long as a loaded machine may take."""
    until = time.monotonic() + 60
    while why not in (answer := await read()):
        assert time.monotonic() < until, answer


async def test_keys_rotate_and_known_ones_go_on_while_nobody_answers(
    service: str, provider: OidcProvider, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "UNKNOWN_S", 0.0)
    old = sign()
    await read_viewer(service, old)
    provider.add_key("second", "ES256")
    provider.restart()
    try:
        new = sign({"kid": "second"})
        assert jwt.get_unverified_header(new)["alg"] == "ES256"
        await read_viewer(service, new)
        await read_viewer(service, old)
        provider.withdraw_key("second")
        provider.stop()
        await read_viewer(service, new)
        answer = await send_query(
            service, jwt.encode({"iss": provider.url}, "x" * 32, headers={"kid": "third"})
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        async with httpx2.AsyncClient() as http:
            told = (await http.get(f"{service}/readyz")).json()
        assert told["ready"]
        assert told["degraded"]
        assert told["identity"]["lab"].startswith("away: ")
        assert "2 keys are known" in told["identity"]["lab"]
        provider.start()
        unknown = jwt.encode({"iss": provider.url}, "x" * 32, headers={"kid": "third"})
        await wait_for_answer(lambda: read_answer(service, unknown), "no key")
        assert "no key" in await read_refusal(service, new), "what was withdrawn is good no more"
        await read_viewer(service, old)
    finally:
        (provider._keys / "second.json").unlink(missing_ok=True)
