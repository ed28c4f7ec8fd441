"""Who may use a login setup, and what it uses: decided anew at each place where it is used."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from domain.names import ACCOUNT, check_form
from domain.permissions import Role
from domain.setup.launch_hosts import HostKind, fill_experiment, has_open_keyword

MOST_PATTERNS = 50
PATTERN = re.compile(r"%\(experimenter\)s|[a-z_*][a-z0-9_.*-]{0,31}")
EXPERIMENTER = "%(experimenter)s"
"""In a pattern of accounts: the user name of whoever owns what is launched."""


@dataclass(frozen=True, slots=True)
class OwningParty:
    """On whose behalf something is used: an owner, in the role in which they own it."""

    person_id: int
    role: Role
    username: str = ""


@dataclass(frozen=True, slots=True)
class UsedCredential:
    """Whose the credential of a login setup is."""

    name: str
    owner: OwningParty


@dataclass(frozen=True, slots=True)
class UsedHost:
    """A launch host, and the accounts that may be used there."""

    name: str
    kind: HostKind = HostKind.LOCAL
    account: str = ""
    accounts: Sequence[str] = ()
    """Patterns of what service admins let the experiment use."""
    allowed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of these, by role, what the experiment's superusers let that role use."""
    experiment: str = ""
    """Whose it is, by name."""


@dataclass(frozen=True, slots=True)
class SetupUse:
    """A login setup with all that it uses."""

    name: str
    owner: OwningParty
    shared_with: Sequence[Role]
    credential: UsedCredential | None
    host: UsedHost
    account: str


def explain_setup_refusal(setup: SetupUse, by: OwningParty) -> str | None:
    """Why what this party owns must not use the login setup, or nothing."""
    if not (_is_owner(setup.owner, by) or by.role in setup.shared_with):
        return (
            f"Login setup {setup.name} belongs to {setup.owner.role} ({setup.owner.username}) and is "
            f"not shared with {by.role}: who may change it can share it, or take another one."
        )
    if setup.credential is None:
        return None
    if why := explain_credential_refusal(setup.credential, setup.owner):
        return f"Login setup {setup.name}: {why}"
    if by.role is Role.ANALYSIS and setup.credential.owner.person_id != by.person_id:
        return f"Login setup {setup.name}: in analysis one uses one's own credentials only."
    return None


def explain_credential_refusal(credential: UsedCredential, by: OwningParty) -> str | None:
    """Why what this party owns must not have the credential attached, or nothing."""
    if _is_owner(credential.owner, by):
        return None
    whose = f"{credential.owner.role} ({credential.owner.username})"
    return f"credential {credential.name} belongs to {whose}, not to {by.role} ({by.username})."


def _is_owner(owner: OwningParty, by: OwningParty) -> bool:
    """What analysis owns is one person's; what a role owns is that role's."""
    return owner.role is by.role and (
        by.role is not Role.ANALYSIS or owner.person_id == by.person_id
    )


def explain_account_refusal(host: UsedHost, account: str, by: OwningParty) -> str | None:
    """Why launches of this party must not be made on the host as this account, or nothing."""
    account = fill_experiment(account, host.experiment, {"experimenter": by.username})
    if has_open_keyword(account):  # asked once more at each launch, which knows it
        return None
    if host.kind is HostKind.LOCAL:
        if not account or account == host.account:
            return None
        return f"On {host.name} launches are made as the account that a service admin names: leave it out."
    if not account:
        return f"Say the account on {host.name}."
    if not ACCOUNT.fullmatch(account):
        return f"{account[:100]!r} is no user name: say another account on {host.name}."
    if not _match_account(host.accounts, account, by):
        return f"No service admin lets the experiment use the account {account} on {host.name}."
    if not _match_account(host.allowed.get(by.role, ()), account, by):
        return f"No superuser of the experiment lets {by.role} use the account {account} on {host.name}."
    return None


def explain_script_refusal(host: UsedHost) -> str | None:
    """Why no launch script runs on the host at all, or nothing."""
    if host.kind is not HostKind.LOCAL or host.account:
        return None
    said = f"No account is named as which launch scripts run on {host.name}"
    return f"{said}: a service admin says it with changeLaunchHost."


def check_account_patterns(patterns: Sequence[str]) -> str | None:
    """What is wrong with patterns of accounts, or nothing."""
    if len(patterns) > MOST_PATTERNS:
        return f"At most {MOST_PATTERNS} patterns are kept here, these are {len(patterns)}."
    wrong = (check_form(each, PATTERN, "hypotpro, hypot* or %(experimenter)s") for each in patterns)
    return next((said for said in wrong if said), None)


def _match_account(patterns: Sequence[str], account: str, by: OwningParty) -> bool:
    return any(
        account == by.username if pattern == EXPERIMENTER else fnmatchcase(account, pattern)
        for pattern in patterns
    )


def explain_launch_refusal(setup: SetupUse, by: OwningParty, *, runs_script: bool) -> str | None:
    """Why nothing of this party is launched with the login setup; where it runs matters to launch scripts only."""
    if why := explain_setup_refusal(setup, by):
        return why
    if not runs_script:
        return None
    return explain_script_refusal(setup.host) or explain_account_refusal(
        setup.host, setup.account, by
    )
