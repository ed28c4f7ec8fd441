"""Tokens, people behind them, and the table of who may do what."""

import asyncio
import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import time_machine

import auth
from auth import AuthError, LocalTokens, Viewer, Viewers, derive_key_id, may_act
from db.pool import Pool
from domain.permissions import GRANTS, Role
from settings import Settings

SECRET = "a secret of the tests, 32 characters or more"
NEXT_SECRET = "the secret that comes after the one of the tests"
ME, SOMEBODY, HYPOT, OTHER = 1, 2, 10, 20
WEEK = timedelta(days=7)


def make_viewer(role: Role | None, *, admin: bool = False) -> Viewer:
    return Viewer(ME, "me", admin, {HYPOT: role} if role else {})


A, S, P, SU = Role.ANALYSIS, Role.SHIFTER, Role.PRODUCTION, Role.SUPERUSER


@pytest.mark.parametrize(
    ("role", "action", "owner", "owning", "allowed"),
    [
        (A, "view", SOMEBODY, P, True),
        (A, "modify", ME, A, True),
        (A, "modify", SOMEBODY, A, False),
        (A, "launch", ME, A, True),
        (A, "launch", SOMEBODY, A, False),
        (A, "launch", SOMEBODY, P, False),
        (A, "operate", ME, P, False),
        (S, "launch", SOMEBODY, P, True),
        (S, "operate", SOMEBODY, P, True),
        (S, "modify", SOMEBODY, P, False),
        (S, "launch", SOMEBODY, A, False),
        (P, "modify", SOMEBODY, P, True),
        (P, "modify", SOMEBODY, A, False),
        (P, "launch", SOMEBODY, A, True),
        (P, "operate", SOMEBODY, A, True),
        (P, "manage_members", None, None, False),
        (SU, "modify", SOMEBODY, A, True),
        (SU, "manage_members", None, None, True),
        (SU, "admin", None, None, False),
        (A, "create", None, A, True),
        (A, "create", None, P, False),
        (P, "create", None, P, True),
        (P, "create", None, SU, False),
        (A, "no such action", ME, A, False),
    ],
)
def test_a_role_may_what_the_table_says(
    role: Role, action: str, owner: int | None, owning: Role | None, allowed: bool
) -> None:
    assert may_act(make_viewer(role), action, HYPOT, owner, owning) is allowed


@pytest.mark.parametrize(
    ("role", "owning", "sees", "does"),
    [
        pytest.param(P, A, True, True, id="fact 28: production, what the analysis owns"),
        pytest.param(A, A, True, False, id="fact 29: analysis, what another one owns"),
        pytest.param(S, P, True, True, id="fact 30: a shifter, what production owns"),
        pytest.param(None, P, False, False, id="fact 30: who is of another experiment"),
    ],
)
def test_who_may_see_or_work_with_what_others_own_may_not_change_it(
    role: Role | None, owning: Role, sees: bool, does: bool
) -> None:
    asked = {
        action: may_act(make_viewer(role), action, HYPOT, SOMEBODY, owning) for action in GRANTS
    }
    assert (asked["view"], asked["launch"], asked["operate"]) == (sees, does, does)
    assert not asked["modify"]


@pytest.mark.parametrize("action", GRANTS)
def test_nobody_may_anything_in_an_experiment_of_others(action: str) -> None:
    for role in Role:
        for owning in Role:
            assert not may_act(make_viewer(role), action, OTHER, ME, owning)
            assert not may_act(make_viewer(None), action, HYPOT, ME, owning)


def test_a_service_admin_may_everything_that_there_is() -> None:
    admin = make_viewer(None, admin=True)
    assert all(may_act(admin, action, HYPOT, SOMEBODY, Role.ANALYSIS) for action in GRANTS)
    assert not may_act(admin, "fly", HYPOT)


def test_runs_are_shared_by_those_who_see_and_may_the_same() -> None:
    shifter = Viewer(ME, "me", roles={HYPOT: S}).anybody
    assert shifter == Viewer(SOMEBODY, "somebody", roles={HYPOT: S}).anybody
    for action in GRANTS:
        for owning in Role:
            for owner in (ME, SOMEBODY):
                mine = Viewer(ME, "me", roles={HYPOT: S})
                assert may_act(mine, action, HYPOT, owner, owning) == may_act(
                    shifter, action, HYPOT, owner, owning
                )
    assert make_viewer(A).anybody == make_viewer(A)


@pytest.fixture
async def anna(db: Pool) -> int:
    """The id of a person in one experiment."""
    await db.execute("INSERT INTO experiment (name) VALUES ('hypot')")
    found: int = await db.fetchval("INSERT INTO person (username) VALUES ('anna') RETURNING id")
    await db.execute("INSERT INTO membership SELECT $1, id, 'production' FROM experiment", found)
    return found


async def test_a_token_brings_its_person_with_their_roles(db: Pool, anna: int) -> None:
    tokens = LocalTokens(SECRET)
    found = await Viewers(db, tokens).of(tokens.issue("anna", WEEK, datetime.now(UTC)))
    assert (found.person_id, found.username, found.is_admin) == (anna, "anna", False)
    assert list(found.roles.values()) == [Role.PRODUCTION]
    assert found.expires_at
    assert found.expires_at > datetime.now(UTC) + timedelta(days=6)


def forge_token(**claims: object) -> str:
    now = datetime.now(UTC)
    good = {"sub": "anna", "iss": "poms", "iat": now, "exp": now + WEEK}
    return jwt.encode({k: v for k, v in {**good, **claims}.items() if v}, SECRET, "HS256")


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        forge_token(iss="somebody else"),
        forge_token(exp=datetime.now(UTC) - timedelta(seconds=1)),
        forge_token(exp=None),
        forge_token(iat=datetime.now(UTC) + timedelta(days=1)),
        jwt.encode({"sub": "anna", "iss": "poms"}, "", "none"),
        LocalTokens("another secret that is long enough too").issue(
            "anna", WEEK, datetime.now(UTC)
        ),
        LocalTokens(SECRET).issue("nobody", WEEK, datetime.now(UTC)),
    ],
)
async def test_a_token_that_is_not_ours_is_refused(db: Pool, anna: int, token: str) -> None:
    with pytest.raises(AuthError):
        await Viewers(db, LocalTokens(SECRET)).of(token)


async def test_fact_30_differs_on_purpose_a_role_is_had_and_never_claimed(
    db: Pool, anna: int
) -> None:
    """In POMS the address of a page says as what somebody acts, and is checked; nothing can say it here."""
    claims = forge_token(role="superuser", roles=["superuser"], is_admin=True)
    found = await Viewers(db, LocalTokens(SECRET)).of(claims)
    assert (found.is_admin, list(found.roles.values())) == (False, [Role.PRODUCTION])
    (experiment,) = found.roles
    assert not may_act(found, "manage_members", experiment)


@pytest.mark.parametrize("secrets", [("short",), ("",), (SECRET, "short"), ("", SECRET)])
def test_a_short_secret_is_refused_at_the_start(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"POMS_SECRET.* 32"):
        LocalTokens(*secrets)


async def is_good(token: str, by: LocalTokens) -> bool:
    try:
        return (await by.claim(token, datetime.now(UTC))).username == "anna"
    except AuthError:
        return False


async def test_tokens_of_the_secret_before_are_good_until_that_is_taken_away() -> None:
    old, new = (LocalTokens(each) for each in (SECRET, NEXT_SECRET))
    both, swapped = LocalTokens(NEXT_SECRET, SECRET), LocalTokens(SECRET, NEXT_SECRET)
    by_old, by_both = (each.issue("anna", WEEK, datetime.now(UTC)) for each in (old, both))
    for accepting in (both, swapped):
        assert await is_good(by_old, accepting)
        assert await is_good(by_both, accepting)
        assert await is_good(forge_token(), accepting)  # of a version that named no key
    assert await is_good(by_both, new)
    assert not await is_good(by_both, old)
    assert not await is_good(by_old, new)
    assert not await is_good(forge_token(), new)


@pytest.mark.parametrize(
    "kid",
    [derive_key_id("another secret that is long enough too"), "", SECRET, None, 7, [], {"x": 1}],
)
async def test_a_token_of_an_unknown_key_is_refused(kid: Any) -> None:
    claims = jwt.decode(forge_token(), options={"verify_signature": False})
    signed_by_none = "another secret that is long enough too"
    for secret in (SECRET, signed_by_none) if kid else (signed_by_none,):
        header = {"typ": "JWT", "alg": "HS256", "kid": kid}
        token = sign_token(header, claims, secret)
        assert not await is_good(token, LocalTokens(NEXT_SECRET, SECRET))


def sign_token(header: dict[str, Any], claims: dict[str, Any], secret: str) -> str:
    """A token with any header, which libraries wouldn't make."""
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, claims)
    )
    signature = hmac.digest(secret.encode(), head + b"." + body, "sha256")
    return b".".join((head, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


def test_a_key_id_tells_nothing_of_its_secret() -> None:
    header = jwt.get_unverified_header(LocalTokens(SECRET).issue("anna", WEEK, datetime.now(UTC)))
    assert header["kid"] == derive_key_id(SECRET) != derive_key_id(NEXT_SECRET)
    assert len(header["kid"]) == 12


async def test_roles_are_read_again_when_a_membership_has_changed(db: Pool, anna: int) -> None:
    tokens = LocalTokens(SECRET)
    people = Viewers(db, tokens)
    lost: list[int] = []
    people.listeners.append(lost.append)
    found = await people.of(tokens.issue("anna", WEEK, datetime.now(UTC)))
    fresh = asyncio.create_task(people.keep_fresh())
    await db.execute("DELETE FROM membership")
    people.reload_viewers()
    async with asyncio.timeout(10):
        while people.now(found).roles:
            await asyncio.sleep(0.01)
    assert lost == [anna]
    await db.execute("UPDATE person SET active = false")
    people.reload_viewers()
    async with asyncio.timeout(10):
        while len(lost) < 2:
            await asyncio.sleep(0.01)
    with pytest.raises(AuthError):
        await people.of(tokens.issue("anna", WEEK, datetime.now(UTC)))
    fresh.cancel()


@pytest.fixture
def settings(api_url: str, tmp_path: Path) -> Settings:
    return Settings(api_url, "redis://127.0.0.1:1", tmp_path, tmp_path, SECRET)


async def test_the_command_makes_the_first_admin(settings: Settings, db: Pool) -> None:
    token = await auth.issue_token(settings, "admin", WEEK, create=True)
    assert (await Viewers(db, LocalTokens(SECRET)).of(token)).is_admin
    with pytest.raises(AuthError, match="ask an admin"):
        await auth.issue_token(settings, "nobody", WEEK, create=False)


@pytest.mark.parametrize("wrong_s", [-700_000, -600, -2, 2, 600, 700_000])
async def test_a_token_ends_by_the_databases_clock(db: Pool, anna: int, wrong_s: float) -> None:
    tokens, now = LocalTokens(SECRET), datetime.now(UTC)
    with time_machine.travel(now + timedelta(seconds=wrong_s), tick=True):
        people = Viewers(db, tokens)
        assert (await people.of(tokens.issue("anna", WEEK, now))).person_id == anna
        assert abs((people.clock.now() - now).total_seconds()) < 60
        assert round(people.clock.offset_s) == wrong_s
        with pytest.raises(AuthError, match="expired"):
            await people.of(tokens.issue("anna", timedelta(seconds=-1), now))


async def test_the_command_makes_tokens_by_the_databases_clock(
    settings: Settings, db: Pool, anna: int
) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(days=30), tick=True):
        token = await auth.issue_token(settings, "anna", WEEK, create=False)
    assert (await Viewers(db, LocalTokens(SECRET)).of(token)).person_id == anna
