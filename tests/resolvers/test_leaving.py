"""People who leave: put out at once, tokens revoked, and a change that names who did it and why."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

import auth
from db.clock import read_time
from db.people import leaving
from db.pool import Pool
from domain.changes import Actor
from schema.context import AppState
from tests.resolvers.conftest import SECRET, Ask, ask_with_key

Counted = Callable[[], Awaitable[dict[str, int]]]
SHOW = "__typename ... on Problem { message } ... on Invalid { field }"
ACTIVE = f"""
    mutation ($input: SetPersonActiveInput!, $key: String) {{
      setPersonActive(input: $input, idempotencyKey: $key) {{
        {SHOW} ... on PersonActiveSet {{ changed person {{ username active }} }} }}
    }}
"""
REVOKE = f"""
    mutation ($input: RevokeTokensInput!, $key: String) {{
      revokeTokens(input: $input, idempotencyKey: $key) {{
        {SHOW} ... on TokensRevoked {{ changed person {{ username }} }} }}
    }}
"""
DAY = timedelta(days=1)
LOCAL = auth.LocalTokens(SECRET)


async def set_person_active(
    ask: Ask, person: str, *, active: bool, as_: str = "ada", **more: Any
) -> Any:
    given = {"username": person, "active": active, "reason": "has left", **more}
    return (await ask(ACTIVE, ask_with_key(given), as_=as_))["setPersonActive"]


async def revoke_tokens(ask: Ask, person: str, as_: str = "ada", **more: Any) -> Any:
    given = {"username": person, "reason": "a laptop is gone", **more}
    return (await ask(REVOKE, ask_with_key(given), as_=as_))["revokeTokens"]


def read_token_id(token: str) -> str:
    found: str = jwt.decode(token, options={"verify_signature": False})["jti"]
    return found


async def is_refused(db: Pool, token: str) -> bool:
    try:
        await auth.Viewers(db, LOCAL).of(token)
    except auth.AuthError:
        return True
    return False


async def test_who_is_put_out_is_signed_out_and_comes_back(ask: Ask, db: Pool, hypot: int) -> None:
    token = LOCAL.issue("anna", DAY, await read_time(db))
    assert await set_person_active(ask, "anna", active=False) == {
        "__typename": "PersonActiveSet", "changed": True,
        "person": {"username": "anna", "active": False},
    }  # fmt: skip
    assert await is_refused(db, token)
    assert not (await set_person_active(ask, "anna", active=False))["changed"]
    assert (await set_person_active(ask, "anna", active=True))["changed"]
    assert not await is_refused(db, token)
    told = await db.fetch(
        "SELECT experiment_id, kind, actor_id, reason, body FROM change_inbox ORDER BY id"
    )
    ids = {row["username"]: row["id"] for row in await db.fetch("SELECT id, username FROM person")}
    assert [tuple(row) for row in told] == [
        (experiment, f"person.{what}", ids["ada"], "has left", {"person": f"person:{ids['anna']}"})
        for what in ("deactivated", "activated")
        for experiment in (0, hypot)
    ]


@pytest.mark.usefixtures("hypot")
async def test_the_last_admin_stays(ask: Ask, db: Pool, counted: Counted) -> None:
    before = await counted()
    assert (await set_person_active(ask, "ada", active=False))["__typename"] == "LastAdmin"
    assert await counted() == before
    await db.execute("UPDATE person SET is_admin = true WHERE username = 'sue'")
    assert (await set_person_active(ask, "ada", active=False))["changed"]
    assert (await set_person_active(ask, "sue", active=False, as_="sue"))[
        "__typename"
    ] == "LastAdmin"


ADMIN = f"""
    mutation ($input: SetPersonAdminInput!) {{
      setPersonAdmin(input: $input) {{ {SHOW} ... on PersonAdminSet {{ changed person {{ username isAdmin }} }} }}
    }}
"""


@pytest.mark.usefixtures("hypot")
async def test_admins_are_made_by_admins_and_the_last_one_stays(ask: Ask, db: Pool) -> None:
    async def set_admin(who: str, is_admin: bool, as_: str = "ada") -> Any:
        given = {"username": who, "isAdmin": is_admin, "reason": "on call"}
        return (await ask(ADMIN, {"input": given}, as_=as_))["setPersonAdmin"]

    assert (await set_admin("sue", True, "sue"))["__typename"] == "NotPermitted"
    assert (await set_admin("ada", False))["__typename"] == "LastAdmin"
    assert (await set_admin("sue", True))["person"] == {"username": "sue", "isAdmin": True}
    assert not (await set_admin("sue", True))["changed"]
    assert (await set_admin("ada", False, "sue"))["changed"]
    assert (await set_admin("sue", False, "ada"))["__typename"] == "NotPermitted"
    await set_person_active(ask, "alan", active=False, as_="sue")
    assert (await set_admin("alan", True, "sue"))["field"] == "username"
    told = await db.fetch(
        "SELECT kind FROM change_inbox WHERE kind LIKE 'person.admin%' AND experiment_id = 0 ORDER BY id"
    )
    assert [kind for (kind,) in told] == ["person.admin_granted", "person.admin_withdrawn"]


@pytest.mark.usefixtures("hypot")
async def test_two_admins_can_not_put_each_other_out(db: Pool) -> None:
    admins = await db.fetch(
        "UPDATE person SET is_admin = true WHERE username IN ('ada', 'sue') RETURNING id"
    )
    first, second = (row["id"] for row in admins)

    async def put_out(person: int, by: int) -> bool:
        async with db.acquire() as conn, conn.transaction():
            return await leaving.set_active(conn, person, Actor(by, "mine"), active=False)

    for _ in range(5):
        came = await asyncio.gather(
            put_out(first, second), put_out(second, first), return_exceptions=True
        )
        assert sorted(map(str, map(type, came))) == sorted([str(bool), str(leaving.LastAdmin)])
        await db.execute("UPDATE person SET active = true")


@pytest.mark.usefixtures("hypot")
async def test_all_tokens_until_now_are_revoked_and_one_made_right_after_is_good(
    ask: Ask, db: Pool
) -> None:
    old = LOCAL.issue("anna", DAY, await read_time(db))
    whole = {"sub": "anna", "iss": "poms", "iat": datetime.now(UTC), "exp": datetime.now(UTC) + DAY}
    without_id = jwt.encode(whole, SECRET, "HS256")
    assert not await is_refused(db, without_id)
    assert (await revoke_tokens(ask, "anna"))["changed"]
    new = LOCAL.issue("anna", DAY, await read_time(db))
    assert [await is_refused(db, token) for token in (old, without_id, new)] == [True, True, False]


async def test_one_token_is_revoked_and_forgotten_after_its_end(
    ask: Ask, db: Pool, hypot: int
) -> None:
    now = await read_time(db)
    one, other = LOCAL.issue("anna", DAY, now), LOCAL.issue("anna", DAY, now)
    assert (await revoke_tokens(ask, "anna", tokenId=read_token_id(one)))["changed"]
    assert not (await revoke_tokens(ask, "anna", tokenId=read_token_id(one)))["changed"]
    assert [await is_refused(db, token) for token in (one, other)] == [True, False]
    kinds = await db.fetch("SELECT kind FROM change_inbox WHERE experiment_id = $1", hypot)
    assert [row["kind"] for row in kinds] == ["person.token_revoked"]
    await leaving.delete_expired(db)
    assert await is_refused(db, one)
    await db.execute("UPDATE revoked_token SET ends_at = now() - interval '1 second'")
    await leaving.delete_expired(db)
    assert await db.fetchval("SELECT count(*) FROM revoked_token") == 0


@pytest.mark.usefixtures("hypot")
async def test_an_id_revokes_only_tokens_of_that_person(ask: Ask, db: Pool) -> None:
    sams = LOCAL.issue("sam", DAY, await read_time(db))
    assert (await revoke_tokens(ask, "anna", as_="anna", tokenId=read_token_id(sams)))["changed"]
    assert not await is_refused(db, sams)


@pytest.mark.usefixtures("hypot")
async def test_everybody_revokes_their_own_and_admins_anybodys(ask: Ask, counted: Counted) -> None:
    assert (await revoke_tokens(ask, "alan", as_="alan"))["changed"]
    before = await counted()
    assert (await revoke_tokens(ask, "anna", as_="sue"))["__typename"] == "NotPermitted"
    unknown, unseen = [await revoke_tokens(ask, name, as_="anna") for name in ("nobody", "otto")]
    assert unknown["__typename"] == "NotFound"
    assert unseen == {**unknown, "message": unknown["message"].replace("nobody", "otto")}
    assert (await revoke_tokens(ask, "anna", tokenId="mine"))["field"] == "tokenId"
    assert (await revoke_tokens(ask, "anna", reason=" "))["field"] == "reason"
    assert (await set_person_active(ask, "anna", active=False, as_="sue"))[
        "__typename"
    ] == "NotPermitted"
    assert await counted() == before


@pytest.mark.usefixtures("hypot")
async def test_asked_again_with_the_key_nothing_is_revoked_again(ask: Ask, db: Pool) -> None:
    assert (await revoke_tokens(ask, "anna", idempotencyKey="k"))["changed"]
    new = LOCAL.issue("anna", DAY, await read_time(db))
    assert (await revoke_tokens(ask, "anna", idempotencyKey="k"))["changed"]
    assert not await is_refused(db, new)


@pytest.mark.parametrize("which", ["all", "one", "person"])
async def test_open_sockets_hear_of_it_and_may_nothing_any_more(
    ask: Ask, app_state: AppState, hypot: int, which: str
) -> None:
    token = LOCAL.issue("anna", DAY, await read_time(app_state.db.everything))
    viewer, lost = await app_state.viewers.of(token), list[int]()
    app_state.viewers.listeners.append(lost.append)
    fresh = asyncio.create_task(app_state.viewers.keep_fresh())
    if which == "person":
        await set_person_active(ask, "anna", active=False)
    else:
        await revoke_tokens(ask, "anna", tokenId=read_token_id(token) if which == "one" else None)
    async with asyncio.timeout(10):
        while not lost:
            await asyncio.sleep(0.01)
    assert lost == [viewer.person_id]
    assert not app_state.viewers.now(viewer).roles
    fresh.cancel()
