"""Whether somebody may still launch what is to run in their name: the table of `domain.permissions`, in a join."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.pool import Database, fetch_many, fetch_one
from domain.launching.queue import UnauthorisedLauncher
from domain.permissions import list_grants

LAUNCH = list_grants("launch")


def may_launch(person: str, campaign: str, experiment: str, grants: str) -> str:
    """A condition: the rows of these aliases are of somebody who may launch, by the grants in that parameter.

    Service admins may in every experiment that still works.
    """
    return f"""{person}.active AND {experiment}.active AND ({person}.is_admin OR EXISTS (
        SELECT FROM membership m WHERE m.person_id = {person}.id AND m.experiment_id = {experiment}.id
           AND concat(m.role, '/', {campaign}.owning_role, '/', {campaign}.owner_id = {person}.id)
               = ANY({grants}::text[])))"""


BY_STAGE = f"""
    SELECT p.username, p.active, e.active AS experiment_active, c.name AS campaign
      FROM stage s JOIN campaign c ON c.id = s.campaign_id JOIN experiment e ON e.id = s.experiment_id, person p
     WHERE s.id = $1 AND p.id = $2 AND NOT ({may_launch("p", "c", "e", "$3")})
"""


async def find_lack(db: Database, stage_id: int, person_id: int) -> UnauthorisedLauncher | None:
    """In whose name a stage can't be launched; None where this person may."""
    return await fetch_one(db, UnauthorisedLauncher, BY_STAGE, stage_id, person_id, LAUNCH)


@dataclass(frozen=True, slots=True)
class LauncherRow:
    """Somebody without rights, and which submission waits for that."""

    submission_id: int
    username: str
    active: bool
    experiment_active: bool
    campaign: str


BY_SUBMISSIONS = f"""
    SELECT s.id AS submission_id, p.username, p.active, e.active AS experiment_active, c.name AS campaign
      FROM submission s JOIN campaign c ON c.id = s.campaign_id JOIN experiment e ON e.id = s.experiment_id
      JOIN person p ON p.id = s.created_by
     WHERE s.id = ANY($1::bigint[]) AND NOT ({may_launch("p", "c", "e", "$2")})
"""


async def find_lacks(db: Database, ids: Sequence[int]) -> dict[int, UnauthorisedLauncher]:
    """Which of these submissions are in the name of somebody who may not launch them."""
    found = await fetch_many(db, LauncherRow, BY_SUBMISSIONS, ids, LAUNCH)
    return {
        row.submission_id: UnauthorisedLauncher(
            row.username, row.active, row.experiment_active, row.campaign
        )
        for row in found
    }


ACTS_FOR = """
    SELECT coalesce((SELECT to_id FROM hand_over WHERE campaign_id = $1 AND from_id = $2), $2)
"""


async def find_successor(db: Database, campaign_id: int, person_id: int) -> int:
    """In whose name follows what this person has launched: theirs, unless it was handed over."""
    return int(await db.fetchval(ACTS_FOR, campaign_id, person_id))
