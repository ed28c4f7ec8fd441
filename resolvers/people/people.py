"""Asking who one is, adding people and making them members."""

from auth import SIGN_IN
from db.people import people
from domain.changes import Actor
from domain.names import MOST_NAME, MOST_REASON, USERNAME, check_form, check_text
from door.describe import declare_object_type
from resolvers import nodes, tenants
from resolvers.mutations import begin_change, declare_mutation
from resolvers.people.leaving import can_see_person, find_person
from schema.context import Info
from schema.fields import declare_query
from schema.people.people import (
    AddPersonInput,
    AddPersonResult,
    Me,
    Membership,
    MembershipSet,
    Person,
    SetMembershipInput,
    SetMembershipResult,
)
from schema.problems import Invalid, NotFound, NotPermitted, name_taken


@declare_object_type
class PeopleQueries:
    """Reading people."""

    @declare_query(SIGN_IN)
    async def viewer(self, info: Info) -> Me:
        """You."""
        return Me.of(info.context.viewer)


async def _find_person(info: Info, key: int) -> Person | None:
    """People are seen by themselves, by admins and by those who share an experiment with them."""
    row = await info.context.load.person.load(key)
    return Person.of(row) if row and await can_see_person(info, key) else None


nodes.register_kind("person", _find_person)


@declare_object_type
class PeopleMutations:
    """Changing who may do what."""

    @declare_mutation("admin")
    async def add_person(self, info: Info, input: AddPersonInput) -> AddPersonResult:  # noqa: A002
        """Let somebody sign in. Service admins may."""
        checks = {
            "username": check_form(input.username, USERNAME, "anna or a.curie_2"),
            "name": check_text(input.name, MOST_NAME),
        }
        for field, said in checks.items():
            if said:
                return Invalid(message=said, field=field)
        row = await people.create(
            await begin_change(), input.username, input.name, is_admin=input.is_admin
        )
        return Person.of(row) if row else name_taken("person", input.username, "username")

    @declare_mutation("manage_members")
    async def set_membership(
        self,
        info: Info,
        input: SetMembershipInput,  # noqa: A002
    ) -> SetMembershipResult:
        """Make a person something in an experiment, or nothing. Its superusers and service admins may."""
        experiment = await tenants.find_experiment(info, input.experiment, "manage_members", "of")
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        # Before the person is looked for: this answer must not depend on whether there is somebody of that name.
        if said := check_text(input.reason, MOST_REASON):
            return Invalid(message=said, field="reason")
        person = await find_person(info, input.username)
        if person is None:
            return tenants.report_unknown("person", input.username)
        by, db = Actor(info.context.viewer.person_id, input.reason), await begin_change()
        if input.role is None:
            # Whether there is somebody of that name elsewhere is nobody's business here.
            if not await people.is_in_experiments(db, person.id, [experiment.id]):
                return tenants.report_unknown("person", input.username)
            changed = await people.end_membership(db, person.id, experiment.id, by)
        else:
            changed = await people.set_membership(db, person.id, experiment.id, input.role, by)
        rows = await info.context.load.memberships_of.load(person.id)
        now = next((row for row in rows if row.experiment_id == experiment.id), None)
        return MembershipSet(membership=Membership.of(now) if now else None, changed=changed)
