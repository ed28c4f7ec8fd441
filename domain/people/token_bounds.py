"""What a token lets its person do at most: some tokens are less than the person who shows them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.permissions import Role, check_grants


class TokenScope(StrEnum):
    """What a service token is for."""

    READ = "read"
    """To look at everything that its owner sees; every token may."""
    LAUNCH = "launch"
    """To launch, and to recover."""
    OPERATE = "operate"
    """To hold, release, cancel, and to hold launches."""
    REPORT = "report"
    """To tell of files: to add files to datasets, and to mark them."""


SCOPE_ACTIONS: Mapping[TokenScope, frozenset[str]] = {
    TokenScope.READ: frozenset({"view", "sign_in"}),
    TokenScope.LAUNCH: frozenset({"launch"}),
    TokenScope.OPERATE: frozenset({"operate"}),
    TokenScope.REPORT: frozenset({"report"}),
}
"""The actions of `domain.permissions` that a scope has; to change what is configured, and people, none has."""


@dataclass(frozen=True, slots=True)
class TokenBounds:
    """Bounds of a token. Nobody runs the service by one that has bounds."""

    experiments: frozenset[int] | None = None
    """Where it is good at all; None: anywhere."""
    actions: frozenset[str] | None = None
    """What it is good for; None: whatever its person's roles allow."""
    mapped: frozenset[int] = frozenset()
    """Experiments where the token itself says the role."""
    said: frozenset[tuple[int, Role]] = frozenset()
    """The roles that it says; in other mapped experiments none."""

    def bound_roles(self, roles: Mapping[int, Role]) -> dict[int, Role]:
        """A person's roles where the token is good; what the token says of a role is asked by `allows_in`."""
        said = dict(self.said)
        return {
            experiment: role
            for experiment, role in roles.items()
            if (self.experiments is None or experiment in self.experiments)
            and (experiment not in self.mapped or experiment in said)
        }

    def allows(self, action: str) -> bool:
        """Whether it is good for this at all."""
        return self.actions is None or action in self.actions

    def allows_in(
        self, action: str, experiment_id: int | None, owning_role: Role | None, *, owns: bool
    ) -> bool:
        """Whether it is good for this there: roles are not one line, so that both have to allow it, the person's role,
        which is asked apart, and the one that the token says."""
        said = dict(self.said).get(experiment_id) if experiment_id is not None else None
        return self.allows(action) and (
            said is None or check_grants(action, said, owning_role, owns=owns)
        )


def bound_service_token(experiment_id: int, scopes: Collection[str]) -> TokenBounds:
    """The bounds of a service token of an experiment."""
    actions = frozenset().union(*(SCOPE_ACTIONS[TokenScope(scope)] for scope in scopes))
    return TokenBounds(frozenset({experiment_id}), actions | SCOPE_ACTIONS[TokenScope.READ])
