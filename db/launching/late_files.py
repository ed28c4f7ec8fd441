"""Files that came after a submission's dependents were launched, and that no slice of theirs has yet."""

from dataclasses import dataclass, replace

from db.files import datasets
from db.launching import joins, slices
from db.launching.launch_rights import find_successor
from db.launching.slice_claims import LaunchRequest
from db.launching.slices import LaunchOutcome
from db.pool import Connection, Database, fetch_many
from db.submissions import recovery_chain
from db.submissions.recovery_chain import OutgoingDependency
from db.submissions.submissions import Submission
from domain.campaigns.stages import TriggerKind
from domain.changes import ServicePart

MOST_SLICES = 1000
"""Launched for one trigger; what is left waits for the stage's next launch."""


@dataclass(frozen=True, slots=True)
class LateFileCount:
    """How many files wait for the next slice of a stage, and the first of their names."""

    dependency_id: int
    stage_id: int
    files: int
    names: list[str]


# What joins waits for its others, not for a button, until its set is complete. A slice that keeps neither range nor
# list (its split takes the same again and again) had all that was there then.
LATE = """
    SELECT d.id AS dependency_id, g.id AS stage_id, count(*) AS files,
           (array_agg(o.name ORDER BY o.name))[1:20] AS names
      FROM dependency d
      JOIN stage g ON g.id = d.downstream_id
      CROSS JOIN LATERAL (SELECT CASE WHEN $3::boolean THEN g.test_dataset_id ELSE g.dataset_id END AS dataset_id,
                                 CASE WHEN $3 THEN g.test_epoch ELSE g.epoch END AS epoch) e
      JOIN output_file o ON o.submission_id = ANY($2::bigint[]) AND o.state = 'located'
      JOIN dataset_file f ON f.dataset_id = e.dataset_id AND f.file_id = o.file_id
     WHERE d.upstream_id = $1 AND d.active AND g.active AND d.upstream_id <> d.downstream_id
       AND (d.trigger = 'per_parent'
            OR EXISTS (SELECT FROM join_arrival a JOIN joined j USING (stage_id, is_test, key, turn)
                        WHERE a.dependency_id = d.id AND a.origin_id = $4))
       AND NOT EXISTS (SELECT FROM slice x WHERE x.stage_id = g.id AND x.epoch = e.epoch AND x.ordinals @> f.ordinal)
       AND NOT EXISTS (SELECT FROM slice_file x
                        WHERE x.stage_id = g.id AND x.epoch = e.epoch AND x.file_id = f.file_id)
       AND NOT EXISTS (SELECT FROM slice x JOIN snapshot n ON n.id = x.snapshot_id
                        WHERE x.stage_id = g.id AND x.epoch = e.epoch AND x.ordinals IS NULL AND x.key IS NULL
                          AND n.head > f.ordinal)
     GROUP BY d.id, g.id ORDER BY d.id
"""


async def list_late_files(
    db: Database, origin: Submission, family: list[int]
) -> list[LateFileCount]:
    """What of a family's files waits, by the stage that they wait for; nothing before dependents were launched."""
    if origin.fired_at is None:
        return []
    return await fetch_many(
        db, LateFileCount, LATE, origin.stage_id, family, origin.is_test, origin.id
    )


NEXT = """
    SELECT coalesce(max(trigger_no), -1) + 1 FROM submission WHERE upstream_id = $1 AND dependency_id = $2
"""


async def _make_first_request(
    conn: Connection, dependency: OutgoingDependency, origin: Submission, person_id: int | None
) -> LaunchRequest:
    """The next launch by this dependency: a person's, or the service's for whoever follows the origin's."""
    part = ServicePart.ADVANCE if person_id is None else None
    if person_id is None:
        person_id = await find_successor(conn, origin.campaign_id, origin.created_by)
    return LaunchRequest(
        person_id=person_id,
        is_test=origin.is_test,
        upstream_id=origin.id,
        dependency_id=dependency.id,
        trigger_no=int(await conn.fetchval(NEXT, origin.id, dependency.id)),
        part=part,
        made_by_upstream=None if dependency.is_self_edge else dependency.name_dataset(origin.id),
    )


async def launch_slices(
    conn: Connection,
    dependency: OutgoingDependency,
    origin: Submission,
    person_id: int | None = None,
) -> list[LaunchOutcome]:
    """Take every slice that the stage's split makes of what it was fed; of a self-edge, the next one.

    The last of them says why there were no more. They are the person's, or of whoever follows the origin's.
    """
    made: list[LaunchOutcome] = []
    first = await _make_first_request(conn, dependency, origin, person_id)
    assert first.trigger_no is not None  # noqa: S101 - a dependency's has one
    for more in range(1 if dependency.is_self_edge else MOST_SLICES):
        asked = replace(first, trigger_no=first.trigger_no + more)
        made.append(await slices.launch_next(conn, dependency.downstream_id, asked))
        if made[-1].submission is None:
            break
    return made


async def launch_named(
    conn: Connection, dependency: OutgoingDependency, origin: Submission
) -> LaunchOutcome:
    """Launch the stage once for what this submission made, by the name that POMS gives that."""
    asked = await _make_first_request(conn, dependency, origin, None)
    named = replace(asked, dataset_name=dependency.name_dataset(origin.id))
    return await slices.launch_next(conn, dependency.downstream_id, named)


async def launch_waiting_stages(
    conn: Connection, origin_id: int, person_id: int
) -> list[LaunchOutcome]:
    """Launch the stages for which files of this family wait, for a person."""
    family = await recovery_chain.lock_members(conn, origin_id)
    waiting = await list_late_files(conn, family[0], [member.id for member in family])
    wanted = {one.dependency_id for one in waiting}
    edges = await recovery_chain.list_outgoing(conn, family[0].stage_id)
    made: list[LaunchOutcome] = []
    for edge in edges:
        if edge.id in wanted:
            await _repeat_late_files(conn, edge, family[0])
            made += await launch_slices(conn, edge, family[0], person_id)
    return made


async def _repeat_late_files(
    conn: Connection, edge: OutgoingDependency, origin: Submission
) -> None:
    if edge.trigger is not TriggerKind.JOIN:
        return
    if dataset_id := await recovery_chain.find_fed_dataset(conn, edge, origin):
        await datasets.lock(conn, dataset_id)
        await joins.repeat_set(conn, edge, origin)
