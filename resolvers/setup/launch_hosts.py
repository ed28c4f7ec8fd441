"""Reading and recording launch hosts."""

from collections.abc import Sequence

from db.setup import launch_hosts
from domain.addresses import check_address
from domain.names import ACCOUNT, check_form, check_name
from domain.setup.launch_hosts import HostKind
from domain.setup.setup_uses import check_account_patterns
from door.describe import declare_object_type
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import page_experiment_items
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import LAUNCH_HOST, find_allowed
from schema.context import Info
from schema.fields import declare_query
from schema.lists import ListPart
from schema.problems import Invalid, NotFound, NotPermitted, name_taken
from schema.setup.launch_hosts import (
    AllowAccountsInput,
    ChangeLaunchHostInput,
    ChangeLaunchHostResult,
    CreateLaunchHostInput,
    CreateLaunchHostResult,
    LaunchHost,
)


@declare_object_type
class LaunchHostQueries:
    """Reading launch hosts."""

    @declare_query()
    async def launch_hosts(
        self,
        info: Info,
        experiment: str,
        name_contains: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[LaunchHost]:
        """Where an experiment launches from, by name."""
        part, wanted = ListPart(first, after, last, before), (experiment, name_contains)
        return await page_experiment_items(
            info, wanted, part, launch_hosts.page, lambda row, _: LaunchHost.of(row)
        )


@declare_object_type
class LaunchHostMutations:
    """Recording launch hosts."""

    @declare_mutation("manage_members")
    async def create_launch_host(
        self,
        info: Info,
        input: CreateLaunchHostInput,  # noqa: A002
    ) -> CreateLaunchHostResult:
        """Add a place to launch from: by ssh the experiment's superusers may, a local one only service admins."""
        experiment = await tenants.find_experiment(info, input.experiment, "manage_members", "of")
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        own = input.kind is HostKind.LOCAL or input.account or input.accounts
        if own and not info.context.allows("admin", None):
            return tenants.report_not_permitted(
                "create", "local launch hosts, nor say which accounts there are"
            )
        if invalid := _check_host_input(input):
            return invalid
        wanted = launch_hosts.LaunchHostDefinition(
            input.name, input.kind, input.address, input.account, input.accounts
        )
        person_id = info.context.viewer.person_id
        row = await launch_hosts.create(await begin_change(), experiment.id, wanted, person_id)
        return LaunchHost.of(row) if row else name_taken("launch host", input.name)

    @declare_mutation("admin")
    async def change_launch_host(
        self,
        info: Info,
        input: ChangeLaunchHostInput,  # noqa: A002
    ) -> ChangeLaunchHostResult:
        """Say as whom scripts run there, and which accounts the experiment may use. Service admins may."""
        row = await find_allowed(info, LAUNCH_HOST, input.id, "admin")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if wrong := _check_accounts(row.kind, input.account, input.accounts):
            return wrong
        saved = await launch_hosts.set_accounts(
            await begin_change(),
            row.id,
            input.account,
            input.accounts,
            info.context.viewer.person_id,
        )
        return LaunchHost.of(saved or row)

    @declare_mutation("manage_members")
    async def allow_accounts(
        self,
        info: Info,
        input: AllowAccountsInput,  # noqa: A002
    ) -> ChangeLaunchHostResult:
        """Let a role launch as these accounts, of those that the experiment may use. Its superusers may."""
        row = await find_allowed(info, LAUNCH_HOST, input.id, "manage_members")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if wrong := _check_accounts(row.kind, "", input.accounts):
            return wrong
        person_id = info.context.viewer.person_id
        saved = await launch_hosts.allow_accounts(
            await begin_change(), row.id, input.role, input.accounts, person_id
        )
        return LaunchHost.of(saved or row)


def _check_accounts(kind: HostKind, account: str, accounts: Sequence[str]) -> Invalid | None:
    """What is wrong with the accounts of a host of this kind."""
    if kind is HostKind.LOCAL:
        said = "A local host has one account, which service admins name." if accounts else None
        if account and not said:
            said = check_form(account, ACCOUNT, "a user name, prod01")
        if account == "root":
            said = "Nothing of an experiment runs as root."
        return Invalid(message=said, field="accounts" if accounts else "account") if said else None
    if account:
        return Invalid(message="The account of a local host is set here.", field="account")
    said = check_account_patterns(accounts)
    return Invalid(message=said, field="accounts") if said else None


def _check_host_input(input: CreateLaunchHostInput) -> Invalid | None:  # noqa: A002
    said = check_name(input.name)
    if said:
        return Invalid(message=said, field="name")
    if input.kind is HostKind.LOCAL:
        said = "A local host has no address." if input.address else None
    else:
        said = check_address(input.address)
    if said:
        return Invalid(message=said, field="address")
    return _check_accounts(input.kind, input.account, input.accounts)
