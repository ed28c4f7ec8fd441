"""Limits and priorities, as people set them."""

from db.campaigns.campaigns import COLUMNS as CAMPAIGN
from db.campaigns.campaigns import Campaign
from db.changes import sign_as_person
from db.people.experiments import COLUMNS as EXPERIMENT
from db.people.experiments import Experiment
from db.pool import Database, fetch_one
from db.submissions.submissions import COLUMNS, Submission, tell_moves

OF_CAMPAIGN = f"""
    WITH limited AS (
        UPDATE campaign SET most_unfinished = $2, most_jobs = $3 WHERE id = $1 RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, id, 'launches.limited', {sign_as_person("$4")}, NULL,
               jsonb_build_object('most_unfinished', most_unfinished, 'most_jobs', most_jobs) FROM limited
    )
    SELECT {CAMPAIGN} FROM limited
"""


async def limit_campaign(
    db: Database, id: int, most: tuple[int | None, int | None], person_id: int
) -> Campaign | None:
    """Limit what a campaign has at once (submissions, jobs), for a person; nothing that runs is ended for it."""
    return await fetch_one(db, Campaign, OF_CAMPAIGN, id, *most, person_id)


OF_EXPERIMENT = f"""
    WITH limited AS (
        UPDATE experiment SET most_unfinished = $2, most_jobs = $3 WHERE id = $1 RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT id, 'launches.limited', {sign_as_person("$4")}, NULL,
               jsonb_build_object('most_unfinished', most_unfinished, 'most_jobs', most_jobs) FROM limited
    )
    SELECT {EXPERIMENT} FROM limited
"""


async def limit_experiment(
    db: Database, id: int, most: tuple[int | None, int | None], person_id: int
) -> Experiment | None:
    """Limit what an experiment has at once (submissions, jobs), for a person; nothing that runs is ended for it."""
    return await fetch_one(db, Experiment, OF_EXPERIMENT, id, *most, person_id)


PREFER_CAMPAIGN = f"""
    WITH preferred AS (
        UPDATE campaign SET priority = $2 WHERE id = $1 RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, id, 'launches.preferred', {sign_as_person("$3")}, NULL,
               jsonb_build_object('priority', priority)
          FROM preferred
    )
    SELECT {CAMPAIGN} FROM preferred
"""


async def set_campaign_priority(
    db: Database, id: int, priority: int, person_id: int
) -> Campaign | None:
    """Give launches of a campaign that come later another priority."""
    return await fetch_one(db, Campaign, PREFER_CAMPAIGN, id, priority, person_id)


PREFER_LAUNCH = f"""
    WITH moved AS (
        UPDATE submission SET priority = $2, revision = revision + 1 WHERE id = $1 AND state = 'queued' RETURNING *
    ), told AS ({tell_moves(sign_as_person("$3"))})
    SELECT {COLUMNS} FROM moved
"""


async def set_launch_priority(
    db: Database, id: int, priority: int, person_id: int
) -> Submission | None:
    """Give a launch that waits another priority, or return None when it waits no more."""
    return await fetch_one(db, Submission, PREFER_LAUNCH, id, priority, person_id)
