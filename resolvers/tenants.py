"""In which experiment something happens, and to whom what is made there belongs."""

from db.people import experiments
from domain.names import check_text
from domain.permissions import Role
from domain.setup.setup_uses import OwningParty
from schema.context import Info
from schema.problems import NotFound, NotPermitted

Owner = tuple[int, Role]


async def find_visible_experiment(info: Info, name: str) -> experiments.Experiment | None:
    """Find an experiment that the viewer sees; another one is as if it weren't there."""
    if check_text(name, 100):
        return None
    row = await experiments.find_by_name(info.context.db, name)
    return row if row and info.context.allows("view", row.id) else None


async def find_experiment(
    info: Info, name: str, action: str = "view", what: str = ""
) -> experiments.Experiment | NotFound | NotPermitted:
    """Find an experiment in which the viewer may do this to such things, or say why not."""
    row = await find_visible_experiment(info, name)
    if row is None:
        return report_unknown("experiment", name)
    may = may_create(info, row.id) if action == "create" else info.context.allows(action, row.id)
    return row if may else report_not_permitted(action, f"{what} {row.name}")


def report_unknown(what: str, name: str) -> NotFound:
    """Say that there is no such thing, or none that the viewer may see."""
    return NotFound(message=f"There is no {what} {name[:200]!r} that you can see.")


def report_not_permitted(action: str, what: str) -> NotPermitted:
    """Say that the viewer sees it, but may not do this."""
    return NotPermitted(message=f"You may not {action} {what}.", action=action)


def build_owner(info: Info, experiment_id: int) -> Owner:
    """Whose things will be that the viewer makes: owned in the role that they have there.

    Superusers, and service admins who are no members, make what production owns.
    """
    role = info.context.viewer.roles.get(experiment_id, Role.SUPERUSER)
    owning = Role.PRODUCTION if role is Role.SUPERUSER else role
    return info.context.viewer.person_id, owning


def build_party(info: Info, experiment_id: int) -> OwningParty:
    """The same, as it uses what others have."""
    return OwningParty(*build_owner(info, experiment_id), info.context.viewer.username)


def may_create(info: Info, experiment_id: int) -> bool:
    """Whether the viewer may make things in an experiment."""
    return info.context.allows("create", experiment_id, None, build_owner(info, experiment_id)[1])
