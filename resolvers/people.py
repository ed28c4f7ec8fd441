"""Asking who one is, adding people and making them members."""

from auth import SIGN_IN
from db import people
from db.pool import Connection
from domain.names import MOST_NAME, USERNAME, wrong_form, wrong_text
from door.describe import thing
from resolvers import nodes, tenants
from resolvers.once import Ask, Done, once
from schema.context import Info
from schema.fields import changes, reads
from schema.people import (
    AddPersonInput,
    AddPersonResult,
    Me,
    Membership,
    MembershipSet,
    Person,
    SetMembershipInput,
    SetMembershipResult,
)
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken


@thing
class PeopleQueries:
    """Reading people."""

    @reads(SIGN_IN)
    async def viewer(self, info: Info) -> Me:
        """You."""
        return Me.of(info.context.viewer)


async def _person(info: Info, key: int) -> Person | None:
    """People are seen by themselves, by admins and by those who share an experiment with them."""
    viewer = info.context.viewer
    row = await info.context.load.person.load(key)
    if row is None:
        return None
    seen = viewer.is_admin or key == viewer.person_id
    seen = seen or await people.shares(info.context.db, key, list(viewer.roles))
    return Person.of(row) if seen else None


nodes.kind("person", _person)


@thing
class PeopleMutations:
    """Changing who may do what."""

    @changes("admin")
    async def add_person(self, info: Info, input: AddPersonInput) -> AddPersonResult:  # noqa: A002
        """Let somebody sign in. Service admins may."""
        checks = {
            "username": wrong_form(input.username, USERNAME, "anna or a.curie_2"),
            "name": wrong_text(input.name, MOST_NAME),
        }
        for field, said in checks.items():
            if said:
                return Invalid(message=said, field=field)

        async def add(conn: Connection) -> str | NameTaken:
            row = await people.add(conn, input.username, input.name, is_admin=input.is_admin)
            return str(row.id) if row else _taken(input.username)

        done = await once(info, Ask("addPerson", input.idempotency_key, input), add)
        if isinstance(done, NameTaken | IdempotencyKeyReused):
            return done
        return await _show(info, done)

    @changes("manage_members")
    async def set_membership(
        self,
        info: Info,
        input: SetMembershipInput,  # noqa: A002
    ) -> SetMembershipResult:
        """Make a person something in an experiment, or nothing. Its superusers and service admins may."""
        experiment = await tenants.find(info, input.experiment)
        if experiment is None:
            return tenants.unknown("experiment", input.experiment)
        if not info.context.allows("manage_members", experiment.id):
            return tenants.refused("manage_members", f"of {experiment.name}")
        bad = wrong_form(input.username, USERNAME, "anna")
        person = None if bad else await people.by_username(info.context.db, input.username)
        if person is None:
            return tenants.unknown("person", input.username)
        if input.role is None:
            changed = await people.end_membership(info.context.db, person.id, experiment.id)
        else:
            changed = await people.set_membership(
                info.context.db, person.id, experiment.id, input.role
            )
        await info.context.ring()
        rows = await info.context.load.memberships_of.load(person.id)
        now = next((row for row in rows if row.experiment_id == experiment.id), None)
        return MembershipSet(membership=Membership.of(now) if now else None, changed=changed)


def _taken(username: str) -> NameTaken:
    return NameTaken(message=f"There is a person {username!r} already.", field="username")


async def _show(info: Info, done: Done) -> Person:
    row = await info.context.load.person.load(int(done.result))
    assert row is not None  # noqa: S101 - it was just made, and people stay
    return Person.of(row)
