"""Reading and saving login setups."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from db.keyset import NameIsTaken
from db.setup import credentials, launch_hosts, login_setups, setup_uses
from db.setup.login_setups import LoginSetupUses
from domain.names import check_text
from domain.setup.credentials import CredentialKind
from domain.setup.setup_uses import (
    OwningParty,
    UsedCredential,
    explain_account_refusal,
    explain_credential_refusal,
)
from door.describe import declare_object_type
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import page_experiment_items
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import LOGIN_SETUP, find_allowed
from schema.context import Info
from schema.fields import declare_query
from schema.lists import ListPart
from schema.problems import NotFound, NotPermitted, name_taken
from schema.setup.job_types import StaleVersion
from schema.setup.login_setups import (
    ChangeLoginSetupInput,
    ChangeLoginSetupResult,
    CreateLoginSetupInput,
    CreateLoginSetupResult,
    InvalidLoginSetup,
    LoginSetup,
    LoginSetupInput,
)
from schema.setup.login_setups import load_login_setup as shown
from schema.setup.parameters import Finding


@declare_object_type
class LoginSetupQueries:
    """Reading login setups."""

    @declare_query()
    async def login_setups(
        self,
        info: Info,
        experiment: str,
        name_contains: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[LoginSetup]:
        """An experiment's login setups, by name."""
        part = ListPart(first, after, last, before)
        return await page_experiment_items(
            info, (experiment, name_contains), part, login_setups.page, LoginSetup.of
        )


@declare_object_type
class LoginSetupMutations:
    """Changing login setups."""

    @declare_mutation("create")
    async def create_login_setup(
        self,
        info: Info,
        input: CreateLoginSetupInput,  # noqa: A002
    ) -> CreateLoginSetupResult:
        """Make a login setup. It is yours, owned in the role that you have in the experiment."""
        experiment = await tenants.find_experiment(
            info, input.experiment, "create", "login setups in"
        )
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        party = tenants.build_party(info, experiment.id)
        uses = await _resolve_uses(info, experiment.id, party, input)
        if isinstance(uses, InvalidLoginSetup):
            return uses
        conn, owner = await begin_change(), tenants.build_owner(info, experiment.id)
        id = await login_setups.create(conn, experiment.id, input.definition, uses, owner)
        return await shown(info, id) if id else name_taken("login setup", input.name)

    @declare_mutation("modify")
    async def change_login_setup(
        self,
        info: Info,
        input: ChangeLoginSetupInput,  # noqa: A002
    ) -> ChangeLoginSetupResult:
        """Save a login setup anew; stages that use it do so from their next launch."""
        row = await find_allowed(info, LOGIN_SETUP, input.id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        owner = await info.context.load.person.load(row.owner_id)
        assert owner is not None  # noqa: S101 - a foreign key says so
        party = OwningParty(row.owner_id, row.owning_role, owner.username)
        uses = await _resolve_uses(info, row.experiment_id, party, input, row.secrets)
        if isinstance(uses, InvalidLoginSetup):
            return uses
        version = row.version if input.expected_version is None else input.expected_version
        try:
            saved = await login_setups.update(
                await begin_change(),
                (row.id, version),
                input.definition,
                uses,
                info.context.viewer.person_id,
                active=input.active,
            )
        except NameIsTaken:
            return name_taken("login setup", input.name)
        if saved is None:
            return StaleVersion.of(row.version)
        return LoginSetup.of(saved, info)


async def _resolve_uses(
    info: Info,
    experiment_id: int,
    owner: OwningParty,
    input: LoginSetupInput,  # noqa: A002
    secrets: Collection[str] = (),
) -> LoginSetupUses | InvalidLoginSetup:
    """Find what the login setup of this owner refers to, or say all that is wrong with it.

    `secrets` are the names of those that are there, whose values it may keep.
    """
    found = [Finding.of(finding) for finding in input.definition.findings()]
    found += _list_lost_secrets(input.definition.secrets, secrets)
    host, wrong = await _resolve_host(info, experiment_id, owner, input)
    credential, also = await _resolve_credential(info, experiment_id, owner, input)
    found += [*wrong, *also]
    if host is None or found:
        said = f"The login setup was not saved, {found[0].path}: {found[0].message}"
        return InvalidLoginSetup(message=said, findings=found)
    return LoginSetupUses(host, credential)


def _list_lost_secrets(given: Mapping[str, str | None], there: Collection[str]) -> list[Finding]:
    missing = [name for name, value in given.items() if value is None and name not in there]
    said = "There is no secret of this name whose value could be kept: give one."
    return [Finding(path=f"environment[{name[:100]}]", message=said) for name in missing]


async def _resolve_host(
    info: Info,
    experiment_id: int,
    owner: OwningParty,
    input: LoginSetupInput,  # noqa: A002
) -> tuple[int | None, list[Finding]]:
    """The launch host, on which each role that may use the setup may use the account."""
    host = None
    if not check_text(input.launch_host, 100):
        host = await launch_hosts.find(info.context.db, experiment_id, input.launch_host)
    if host is None:
        return None, [_make_unknown_finding("launchHost", "launch host", input.launch_host)]
    used = await setup_uses.find_host(info.context.db, host.id)
    assert used is not None  # noqa: S101 - it is there
    parties = [owner, *(replace(owner, role=role) for role in input.shared_with)]
    whys = (explain_account_refusal(used, input.account, party) for party in parties)
    return host.id, [Finding(path="account", message=why) for why in whys if why][:1]


async def _resolve_credential(
    info: Info,
    experiment_id: int,
    owner: OwningParty,
    input: LoginSetupInput,  # noqa: A002
) -> tuple[int | None, list[Finding]]:
    """The credential, which must be of whoever the setup is."""
    if input.credential is None:
        return None, []
    row = None
    if not check_text(input.credential, 100):
        row = await credentials.find(info.context.db, experiment_id, input.credential)
    if row is None:
        return None, [_make_unknown_finding("credential", "credential", input.credential)]
    if row.kind is CredentialKind.PASSWORD:
        message = "A password is for catalogs: launches are let in by a token or a proxy."
        return None, [Finding(path="credential", message=message)]
    whose = OwningParty(
        row.owner_id,
        row.owning_role,
        "another" if row.owner_id != owner.person_id else owner.username,
    )
    why = explain_credential_refusal(UsedCredential(row.name, whose), owner)
    return row.id, [Finding(path="credential", message=why[:1].upper() + why[1:])] if why else []


def _make_unknown_finding(path: str, what: str, name: str) -> Finding:
    return Finding(path=path, message=f"The experiment has no {what} {name[:100]!r}.")
