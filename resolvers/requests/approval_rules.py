"""Setting who has to agree, and who decides for whom."""

from datetime import datetime

from db.people import people
from db.requests import approval_rules, delegations
from domain.findings import Finding as WrongRule
from domain.names import check_text
from domain.requests.approval_rules import check_rules
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from schema.context import Info
from schema.fields import declare_query
from schema.people.experiments import Experiment
from schema.problems import Invalid, NotFound, NotPermitted
from schema.requests.approval_rules import (
    ApprovalRuleSet,
    InvalidApprovalRules,
    SetApprovalRulesInput,
    SetApprovalRulesResult,
)
from schema.requests.delegations import SetDelegateInput, SetDelegateResult
from schema.setup.parameters import Finding

MOST_DAYS = 366


@declare_object_type
class ApprovalRuleQueries:
    """Reading who has to agree."""

    @declare_query()
    async def approval_rules(self, info: Info, experiment: str) -> ApprovalRuleSet | None:
        """Who has to agree to launches of one of your experiments."""
        row = await tenants.find_visible_experiment(info, experiment)
        if row is None:
            return None
        return ApprovalRuleSet.of(await approval_rules.find(info.context.db, row.id))


@declare_object_type
class ApprovalRuleMutations:
    """Setting who has to agree."""

    @declare_mutation("manage_members")
    async def set_approval_rules(
        self,
        info: Info,
        input: SetApprovalRulesInput,  # noqa: A002
    ) -> SetApprovalRulesResult:
        """Say who has to agree to the launches of an experiment. Its superusers may.

        All that has not begun is looked at by them, launches that wait in the queue, too; what runs goes on.
        """
        row = await tenants.find_experiment(info, input.experiment, "manage_members", "of")
        if isinstance(row, NotFound | NotPermitted):
            return row
        rules = [rule.read() for rule in input.rules]
        members = await people.list_active_usernames(info.context.db, row.id)
        found = [*check_rules(rules, frozenset(members))]
        if said := check_text(input.reason, 1000):
            found.append(WrongRule("reason", said))
        if found:
            said = f"The rules were not set, {found[0].path}: {found[0].message}"
            return InvalidApprovalRules(message=said, findings=[Finding.of(one) for one in found])
        conn = await begin_change()
        person_id = info.context.viewer.person_id
        saved = await approval_rules.set_rules(conn, row.id, rules, person_id, input.reason)
        return ApprovalRuleSet.of(saved)

    @declare_mutation("decide")
    async def set_delegate(
        self,
        info: Info,
        input: SetDelegateInput,  # noqa: A002
    ) -> SetDelegateResult:
        """Let somebody decide for you while you are away. What they decide is shown as theirs, for you."""
        row = await tenants.find_experiment(info, input.experiment, "view", "delegates in")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if wrong := _check_times(input.starts_at, input.ends_at):
            return wrong
        delegate = None
        if input.to is not None:
            members = await people.list_active_usernames(info.context.db, row.id)
            delegate = (
                None
                if input.to not in members
                else await people.find_by_username(info.context.db, input.to)
            )
            if delegate is None or delegate.id == info.context.viewer.person_id:
                said = "A delegate is another active member of the experiment."
                return Invalid(message=said, field="to")
        await delegations.set_delegate(
            await begin_change(),
            row.id,
            info.context.viewer.person_id,
            delegate.id if delegate else None,
            (input.starts_at, input.ends_at),
        )
        return Experiment.of(row, info.context.viewer)


def _check_times(starts_at: datetime, ends_at: datetime) -> Invalid | None:
    if ends_at <= starts_at:
        return Invalid(message="It ends after it begins.", field="endsAt")
    if (ends_at - starts_at).days > MOST_DAYS:
        return Invalid(message=f"It ends within {MOST_DAYS} days.", field="endsAt")
    return None
