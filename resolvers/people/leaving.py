"""Putting people out, letting them in again, and revoking their tokens."""

from uuid import UUID

from auth import LONGEST, MANAGE_TOKENS
from db.people import leaving, people
from domain.changes import Actor
from domain.names import USERNAME, check_form, check_reason
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.mutations import add_after_commit, begin_change, declare_mutation
from schema.context import Info
from schema.people.leaving import (
    LastAdmin,
    PersonActiveSet,
    PersonAdminSet,
    RevokeTokensInput,
    RevokeTokensResult,
    SetPersonActiveInput,
    SetPersonActiveResult,
    SetPersonAdminInput,
    SetPersonAdminResult,
    TokensRevoked,
)
from schema.people.people import load_person as shown
from schema.problems import Invalid, NotPermitted

MOST_REVOKED = 1000


@declare_object_type
class LeavingMutations:
    """What happens when people leave."""

    @declare_mutation("admin")
    async def set_person_active(
        self,
        info: Info,
        input: SetPersonActiveInput,  # noqa: A002
    ) -> SetPersonActiveResult:
        """Let somebody sign in, or not any more. Service admins may; the last of them can't be put out.

        Their schedules go on in the name of somebody of the campaign's owning role: its owner, or who has had the role
        for longest. Where there is nobody they stop and say so, as launches that wait and what follows their
        submissions do.
        """
        row = await _find_visible_person(info, input.username)
        if row is None:
            return tenants.report_unknown("person", input.username)
        by = build_actor(info, input.reason)
        if isinstance(by, Invalid):
            return by
        try:
            conn = await begin_change()
            changed = await leaving.set_active(conn, row.id, by, active=input.active)
        except leaving.LastAdmin:
            return LastAdmin(message=f"Nobody but {row.username} runs the service.")
        if changed and not input.active:
            await leaving.transfer_schedules(conn, row.id, by)
        add_after_commit(info.context.read_viewers_anew)
        return PersonActiveSet(person=await shown(info, row.id), changed=changed)

    @declare_mutation("admin")
    async def set_person_admin(
        self,
        info: Info,
        input: SetPersonAdminInput,  # noqa: A002
    ) -> SetPersonAdminResult:
        """Let somebody run the service, or not any more. Service admins may; the last of them stays."""
        row = await _find_visible_person(info, input.username)
        if row is None:
            return tenants.report_unknown("person", input.username)
        by = build_actor(info, input.reason)
        if isinstance(by, Invalid):
            return by
        if input.is_admin and not row.active:
            return Invalid(message=f"{row.username} may not sign in.", field="username")
        try:
            conn = await begin_change()
            changed = await leaving.set_admin(conn, row.id, by, is_admin=input.is_admin)
        except leaving.LastAdmin:
            return LastAdmin(message=f"Nobody but {row.username} runs the service.")
        add_after_commit(info.context.read_viewers_anew)
        return PersonAdminSet(person=await shown(info, row.id), changed=changed)

    @declare_mutation(MANAGE_TOKENS)
    async def revoke_tokens(
        self,
        info: Info,
        input: RevokeTokensInput,  # noqa: A002
    ) -> RevokeTokensResult:
        """Make tokens good for nothing: your own, or as a service admin anybody's. New ones are good."""
        row = await _find_visible_person(info, input.username)
        if row is None:
            return tenants.report_unknown("person", input.username)
        if row.id != info.context.viewer.person_id and not info.context.viewer.is_admin:
            return _report_not_permitted(row.username)
        by, token = build_actor(info, input.reason), _parse_token_id(input.token_id)
        if isinstance(by, Invalid):
            return by
        if isinstance(token, Invalid):
            return token
        changed = await _revoke_tokens(row.id, by, token)
        if isinstance(changed, Invalid):
            return changed
        add_after_commit(info.context.read_viewers_anew)
        return TokensRevoked(person=await shown(info, row.id), changed=changed)


async def _revoke_tokens(person_id: int, by: Actor, token: UUID | None) -> bool | Invalid:
    """Revoke one token or all; False when it was revoked already."""
    conn = await begin_change(reaches_all=True)  # the service's admins hear of it, too
    if token is None:
        await leaving.revoke_all(conn, person_id, by)
        return True
    if await leaving.count_revoked(conn, person_id) >= MOST_REVOKED:
        said = f"{MOST_REVOKED} tokens are revoked one by one already: revoke all."
        return Invalid(message=said, field="tokenId")
    return await leaving.revoke_one(conn, person_id, token, by, LONGEST)


async def _find_visible_person(info: Info, username: str) -> people.Person | None:
    """Somebody whom the viewer sees, as by their id; others are as if they weren't there."""
    row = await find_person(info, username)
    return row if row and await can_see_person(info, row.id) else None


async def find_person(info: Info, username: str) -> people.Person | None:
    """Somebody of this user name, whether the viewer sees them or not."""
    if check_form(username, USERNAME, "anna"):
        return None
    return await people.find_by_username(info.context.db, username)


async def can_see_person(info: Info, person_id: int) -> bool:
    """Whether the viewer sees somebody: themselves, who shares an experiment, and as an admin everybody."""
    viewer = info.context.viewer
    if viewer.is_admin or person_id == viewer.person_id:
        return True
    return await people.is_in_experiments(info.context.db, person_id, list(viewer.roles))


def build_actor(info: Info, reason: str) -> Actor | Invalid:
    """Who asks, with the reason that must be given."""
    if said := check_reason(reason):
        return Invalid(message=said, field="reason")
    return Actor(info.context.viewer.person_id, reason)


def _parse_token_id(given: str | None) -> UUID | Invalid | None:
    try:
        return None if given is None else UUID(given)
    except ValueError:
        said = "A token's id is the `jti` in it, such as 1d8f1a3e-6d5c-4d2a-9f0e-0a4b7c9d2e11."
        return Invalid(message=said, field="tokenId")


def _report_not_permitted(username: str) -> NotPermitted:
    said = f"You may not revoke tokens of {username}: they may, and service admins."
    return NotPermitted(message=said, action="admin")
