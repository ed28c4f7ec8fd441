"""Tokens, people behind them, and the table of who may do what."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

import auth
from auth import LocalTokens, Refused, Viewer, Viewers, may
from db.pool import Pool
from domain.people import Role
from settings import Settings

SECRET = "a secret of the tests, 32 characters or more"
ME, SOMEBODY, HYPOT, OTHER = 1, 2, 10, 20
WEEK = timedelta(days=7)


def viewer(role: Role | None, *, admin: bool = False) -> Viewer:
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
    assert may(viewer(role), action, HYPOT, owner, owning) is allowed


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
    asked = {action: may(viewer(role), action, HYPOT, SOMEBODY, owning) for action in auth.GRANTS}
    assert (asked["view"], asked["launch"], asked["operate"]) == (sees, does, does)
    assert not asked["modify"]


@pytest.mark.parametrize("action", auth.GRANTS)
def test_nobody_may_anything_in_an_experiment_of_others(action: str) -> None:
    for role in Role:
        for owning in Role:
            assert not may(viewer(role), action, OTHER, ME, owning)
            assert not may(viewer(None), action, HYPOT, ME, owning)


def test_a_service_admin_may_everything_that_there_is() -> None:
    admin = viewer(None, admin=True)
    assert all(may(admin, action, HYPOT, SOMEBODY, Role.ANALYSIS) for action in auth.GRANTS)
    assert not may(admin, "fly", HYPOT)


def test_runs_are_shared_by_those_who_see_and_may_the_same() -> None:
    shifter = Viewer(ME, "me", roles={HYPOT: S}).anybody
    assert shifter == Viewer(SOMEBODY, "somebody", roles={HYPOT: S}).anybody
    for action in auth.GRANTS:
        for owning in Role:
            for owner in (ME, SOMEBODY):
                mine = Viewer(ME, "me", roles={HYPOT: S})
                assert may(mine, action, HYPOT, owner, owning) == may(
                    shifter, action, HYPOT, owner, owning
                )
    assert viewer(A).anybody == viewer(A)


@pytest.fixture
async def anna(db: Pool) -> int:
    """The id of a person in one experiment."""
    await db.execute("INSERT INTO experiment (name) VALUES ('hypot')")
    found: int = await db.fetchval("INSERT INTO person (username) VALUES ('anna') RETURNING id")
    await db.execute("INSERT INTO membership SELECT $1, id, 'production' FROM experiment", found)
    return found


async def test_a_token_brings_its_person_with_their_roles(db: Pool, anna: int) -> None:
    tokens = LocalTokens(SECRET)
    found = await Viewers(db, tokens).of(tokens.issue("anna", WEEK))
    assert (found.person_id, found.username, found.is_admin) == (anna, "anna", False)
    assert list(found.roles.values()) == [Role.PRODUCTION]
    assert found.expires_at
    assert found.expires_at > datetime.now(UTC) + timedelta(days=6)


def forged(**claims: object) -> str:
    now = datetime.now(UTC)
    good = {"sub": "anna", "iss": "poms", "iat": now, "exp": now + WEEK}
    return jwt.encode({k: v for k, v in {**good, **claims}.items() if v}, SECRET, "HS256")


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        forged(iss="somebody else"),
        forged(exp=datetime.now(UTC) - timedelta(seconds=1)),
        forged(exp=None),
        forged(iat=datetime.now(UTC) + timedelta(days=1)),
        jwt.encode({"sub": "anna", "iss": "poms"}, "", "none"),
        LocalTokens("another secret that is long enough too").issue("anna", WEEK),
        LocalTokens(SECRET).issue("nobody", WEEK),
    ],
)
async def test_a_token_that_is_not_ours_is_refused(db: Pool, anna: int, token: str) -> None:
    with pytest.raises(Refused):
        await Viewers(db, LocalTokens(SECRET)).of(token)


async def test_fact_30_differs_on_purpose_a_role_is_had_and_never_claimed(
    db: Pool, anna: int
) -> None:
    """In POMS the address of a page says as what somebody acts, and is checked; nothing can say it here."""
    claims = forged(role="superuser", roles=["superuser"], is_admin=True)
    found = await Viewers(db, LocalTokens(SECRET)).of(claims)
    assert (found.is_admin, list(found.roles.values())) == (False, [Role.PRODUCTION])
    (experiment,) = found.roles
    assert not may(found, "manage_members", experiment)


def test_a_short_secret_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="32"):
        LocalTokens("short")


async def test_roles_are_read_again_when_a_membership_has_changed(db: Pool, anna: int) -> None:
    tokens = LocalTokens(SECRET)
    people = Viewers(db, tokens)
    lost: list[int] = []
    people.listeners.append(lost.append)
    found = await people.of(tokens.issue("anna", WEEK))
    fresh = asyncio.create_task(people.keep_fresh())
    await db.execute("DELETE FROM membership")
    people.changed()
    async with asyncio.timeout(10):
        while people.now(found).roles:
            await asyncio.sleep(0.01)
    assert lost == [anna]
    await db.execute("UPDATE person SET active = false")
    people.changed()
    async with asyncio.timeout(10):
        while len(lost) < 2:
            await asyncio.sleep(0.01)
    with pytest.raises(Refused):
        await people.of(tokens.issue("anna", WEEK))
    fresh.cancel()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url, "redis://127.0.0.1:1", SECRET, tmp_path, tmp_path)


async def test_the_command_makes_the_first_admin(settings: Settings, db: Pool) -> None:
    token = await auth.issue(settings, "admin", WEEK, create=True)
    assert (await Viewers(db, LocalTokens(SECRET)).of(token)).is_admin
    with pytest.raises(Refused, match="ask an admin"):
        await auth.issue(settings, "nobody", WEEK, create=False)
