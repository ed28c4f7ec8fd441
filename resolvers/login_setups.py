"""Reading and saving login setups."""

from db import credentials, launch_hosts, login_setups
from db.keyset import Taken
from db.login_setups import Uses
from db.pool import Connection
from domain.names import wrong_text
from domain.people import Role
from door.describe import thing
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import of_experiment
from resolvers.once import Ask, once
from schema.context import Info
from schema.fields import changes, reads
from schema.ids import number
from schema.job_types import StaleVersion
from schema.lists import Part
from schema.login_setups import (
    ChangeLoginSetupInput,
    ChangeLoginSetupResult,
    CreateLoginSetupInput,
    CreateLoginSetupResult,
    InvalidLoginSetup,
    LoginSetup,
    LoginSetupInput,
)
from schema.login_setups import login_setup as shown
from schema.parameters import Finding
from schema.problems import IdempotencyKeyReused, NameTaken


@thing
class LoginSetupQueries:
    """Reading login setups."""

    @reads()
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
        part = Part(first, after, last, before)
        return await of_experiment(
            info, (experiment, name_contains), part, login_setups.page, LoginSetup.of
        )


@thing
class LoginSetupMutations:
    """Changing login setups."""

    @changes("create")
    async def create_login_setup(
        self,
        info: Info,
        input: CreateLoginSetupInput,  # noqa: A002
    ) -> CreateLoginSetupResult:
        """Make a login setup. It is yours, owned in the role that you have in the experiment."""
        experiment = await tenants.find(info, input.experiment)
        if experiment is None:
            return tenants.unknown("experiment", input.experiment)
        experiment_id = experiment.id
        if not tenants.may_create(info, experiment_id):
            return tenants.refused("create", f"login setups in {experiment.name}")
        owner = tenants.owner(info, experiment_id)
        uses = await _uses(info, experiment_id, owner, input)
        if isinstance(uses, InvalidLoginSetup):
            return uses

        async def create(conn: Connection) -> str | NameTaken:
            row = await login_setups.create(conn, experiment_id, input.wanted, uses, owner)
            return str(row.id) if row else _taken(input.name)

        done = await once(info, Ask("createLoginSetup", input.idempotency_key, input), create)
        if isinstance(done, NameTaken | IdempotencyKeyReused):
            return done
        return await shown(info, int(done.result))

    @changes("modify")
    async def change_login_setup(
        self,
        info: Info,
        input: ChangeLoginSetupInput,  # noqa: A002
    ) -> ChangeLoginSetupResult:
        """Save a login setup anew; stages that use it do so from their next launch."""
        key = number(input.id, "login_setup")
        row = None if key is None else await info.context.load.login_setup.load(key)
        if row is None or not info.context.allows("view", row.experiment_id):
            return tenants.unknown("login setup", input.id)
        if not info.context.allows("modify", row.experiment_id, row.owner_id, row.owning_role):
            return tenants.refused("modify", f"login setup {row.name}")
        uses = await _uses(info, row.experiment_id, (row.owner_id, row.owning_role), input)
        if isinstance(uses, InvalidLoginSetup):
            return uses
        version = row.version if input.expected_version is None else input.expected_version
        try:
            saved = await login_setups.change(
                info.context.db, (row.id, version), input.wanted, uses, active=input.active
            )
        except Taken:
            return _taken(input.name)
        if saved is None:
            return StaleVersion(
                message="Somebody has saved it since: read it again.", current=row.version
            )
        await info.context.ring()
        return LoginSetup.of(saved, info)


async def _uses(
    info: Info,
    experiment_id: int,
    owner: tenants.Owner,
    input: LoginSetupInput,  # noqa: A002
) -> Uses | InvalidLoginSetup:
    """Find what the login setup refers to, or say all that is wrong with it."""
    found = [Finding.of(finding) for finding in input.wanted.findings()]
    db, credential_id = info.context.db, None
    host = None
    if not wrong_text(input.launch_host, 100):
        host = await launch_hosts.find(db, experiment_id, input.launch_host)
    if host is None:
        found.append(_unknown("launchHost", "launch host", input.launch_host))
    if input.credential is not None:
        credential_id = await _credential(info, experiment_id, owner, input.credential)
        if credential_id is None:
            found.append(_unknown("credential", "credential of yours", input.credential))
    if host is None or found:
        said = f"The login setup was not saved, {found[0].path}: {found[0].message}"
        return InvalidLoginSetup(message=said, findings=found)
    return Uses(host.id, credential_id)


async def _credential(
    info: Info, experiment_id: int, owner: tenants.Owner, name: str
) -> int | None:
    """In analysis people use their own credentials only; production shares those of its experiment."""
    if wrong_text(name, 100):
        return None
    row = await credentials.find(info.context.db, experiment_id, name)
    owner_id, role = owner
    if row is None or (role is Role.ANALYSIS and row.owner_id != owner_id):
        return None
    return row.id


def _unknown(path: str, what: str, name: str) -> Finding:
    return Finding(path=path, message=f"The experiment has no {what} {name[:100]!r}.")


def _taken(name: str) -> NameTaken:
    return NameTaken(message=f"The experiment has a login setup {name!r} already.", field="name")
