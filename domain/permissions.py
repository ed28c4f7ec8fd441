"""Who may do what inside an experiment: one table, for who asks and for what runs in somebody's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product


class Role(StrEnum):
    """What a person is in one experiment; not one line, see `domain.permissions`."""

    ANALYSIS = "analysis"
    SHIFTER = "shifter"
    PRODUCTION = "production"
    SUPERUSER = "superuser"


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role that may do it: to items of that owning role (None: any), or only to own ones."""

    role: Role
    owning_role: Role | None = None
    own: bool = False


A, S, P, SU = Role.ANALYSIS, Role.SHIFTER, Role.PRODUCTION, Role.SUPERUSER
MODIFY = (RoleGrant(A, A, own=True), RoleGrant(S, S), RoleGrant(P, P), RoleGrant(SU))
DO = (*MODIFY, RoleGrant(S, P), RoleGrant(P, A))

GRANTS: Mapping[str, tuple[RoleGrant, ...]] = {
    "view": tuple(RoleGrant(role) for role in Role),
    "decide": tuple(RoleGrant(role) for role in Role),
    "create": MODIFY,
    "modify": MODIFY,
    "report": MODIFY,
    "launch": DO,
    "operate": DO,
    "manage_members": (RoleGrant(SU),),
    "admin": (),
}
"""What isn't here is denied. Admins may do everything.

To `report` is to tell of files, of a dataset that one may modify; to `decide`, to say what the experiment's own rules
ask somebody."""


def check_grants(
    action: str, role: Role | None, owning_role: Role | None = None, *, owns: bool = False
) -> bool:
    """Whether a role may do this to an item of that owning role, which is their own or not.

    Without an owning role only grants on all items count, except for `create`, which asks whether there is
    anything to create.
    """
    anything = action == "create" and owning_role is None
    return any(
        grant.role == role
        and (anything or grant.owning_role in (None, owning_role))
        and (owns or not grant.own)
        for grant in GRANTS.get(action, ())
    )


def list_grants(action: str) -> list[str]:
    """The rule as a table for SQL: all of `role/owning role/owns` (`t` or `f`) that may do this."""
    return [
        f"{role}/{owning}/{'t' if owns else 'f'}"
        for role, owning, owns in product(Role, Role, (True, False))
        if check_grants(action, role, owning, owns=owns)
    ]
