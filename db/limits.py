"""Limits and priorities, as people set them."""

from db.campaigns import COLUMNS as CAMPAIGN
from db.campaigns import Campaign
from db.experiments import COLUMNS as EXPERIMENT
from db.experiments import Experiment
from db.pool import Database, one
from db.submissions import COLUMNS, TELL, Submission

OF_CAMPAIGN = f"""
    WITH limited AS (
        UPDATE campaign SET most_unfinished = $2, most_jobs = $3 WHERE id = $1 RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, body)
        SELECT experiment_id, id, 'launches.limited',
               jsonb_build_object('most_unfinished', most_unfinished, 'most_jobs', most_jobs) FROM limited
    )
    SELECT {CAMPAIGN} FROM limited
"""


async def of_campaign(
    db: Database, id: int, most_unfinished: int | None, most_jobs: int | None
) -> Campaign | None:
    """Limit what a campaign has at once; nothing that runs is ended for it."""
    return await one(db, Campaign, OF_CAMPAIGN, id, most_unfinished, most_jobs)


OF_EXPERIMENT = f"""
    WITH limited AS (
        UPDATE experiment SET most_unfinished = $2, most_jobs = $3 WHERE id = $1 RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, body)
        SELECT id, 'launches.limited',
               jsonb_build_object('most_unfinished', most_unfinished, 'most_jobs', most_jobs) FROM limited
    )
    SELECT {EXPERIMENT} FROM limited
"""


async def of_experiment(
    db: Database, id: int, most_unfinished: int | None, most_jobs: int | None
) -> Experiment | None:
    """Limit what an experiment has at once; nothing that runs is ended for it."""
    return await one(db, Experiment, OF_EXPERIMENT, id, most_unfinished, most_jobs)


PREFER_CAMPAIGN = f"""
    WITH preferred AS (
        UPDATE campaign SET priority = $2 WHERE id = $1 RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, body)
        SELECT experiment_id, id, 'launches.preferred', jsonb_build_object('priority', priority) FROM preferred
    )
    SELECT {CAMPAIGN} FROM preferred
"""


async def prefer_campaign(db: Database, id: int, priority: int) -> Campaign | None:
    """Give launches of a campaign that come later another priority."""
    return await one(db, Campaign, PREFER_CAMPAIGN, id, priority)


PREFER_LAUNCH = f"""
    WITH moved AS (
        UPDATE submission SET priority = $2, revision = revision + 1 WHERE id = $1 AND state = 'queued' RETURNING *
    ), told AS ({TELL})
    SELECT {COLUMNS} FROM moved
"""


async def prefer_launch(db: Database, id: int, priority: int) -> Submission | None:
    """Give a launch that waits another priority, or return None when it waits no more."""
    return await one(db, Submission, PREFER_LAUNCH, id, priority)
