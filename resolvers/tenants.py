"""In which experiment something happens, and to whom what is made there belongs."""

from db import experiments
from domain.names import wrong_text
from domain.people import Role
from schema.context import Info
from schema.problems import NotFound, NotPermitted

Owner = tuple[int, Role]


async def find(info: Info, name: str) -> experiments.Experiment | None:
    """Find an experiment that the viewer sees; another one is as if it weren't there."""
    if wrong_text(name, 100):
        return None
    row = await experiments.by_name(info.context.db, name)
    return row if row and info.context.allows("view", row.id) else None


def unknown(what: str, name: str) -> NotFound:
    """Say that there is no such thing, or none that the viewer may see."""
    return NotFound(message=f"There is no {what} {name[:200]!r} that you can see.")


def refused(action: str, what: str) -> NotPermitted:
    """Say that the viewer sees it, but may not do this."""
    return NotPermitted(message=f"You may not {action} {what}.", action=action)


def owner(info: Info, experiment_id: int) -> Owner:
    """Whose things will be that the viewer makes: owned in the role that they have there.

    Superusers, and service admins who are no members, make what production owns.
    """
    role = info.context.viewer.roles.get(experiment_id, Role.SUPERUSER)
    owning = Role.PRODUCTION if role is Role.SUPERUSER else role
    return info.context.viewer.person_id, owning


def may_create(info: Info, experiment_id: int) -> bool:
    """Whether the viewer may make things in an experiment."""
    return info.context.allows("create", experiment_id, None, owner(info, experiment_id)[1])
