"""Stages and the dependencies between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.pool import Connection, Database, fetch_many
from domain.campaigns.stages import Completion, DeadlineFrom, StageKind, TriggerKind


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of `stage`."""

    id: int
    experiment_id: int
    campaign_id: int
    name: str
    kind: StageKind
    job_type_id: int
    login_setup_id: int
    dataset_id: int | None
    parameter_lists: list[list[str]]
    split: str
    test_split: str | None
    software_version: str
    parameters: list[list[str]]
    test_parameters: list[list[str]]
    files_per_job: int
    bytes_per_job: int | None
    jobs_per_slice: int
    events_per_job: int | None
    completion: Completion
    completion_pct: int
    deadline_s: int | None
    deadline_from: DeadlineFrom
    recoveries: list[dict[str, Any]] | None
    resources: dict[str, int]
    batch_system: str
    batch_options: dict[str, Any]
    most_unfinished: int | None
    most_jobs: int | None
    merge_overrides: bool
    output_ancestor_depth: int
    until_exhausted: bool
    active: bool
    epoch: int
    cursor: Any
    slices: int
    test_epoch: int
    test_cursor: Any
    split_seq: int
    unfinished: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Dependency:
    """One row of `dependency`."""

    id: int
    campaign_id: int
    upstream_id: int
    downstream_id: int
    patterns: list[str]
    trigger: TriggerKind
    active: bool


COLUMNS = ", ".join(Stage.__dataclass_fields__)
D_COLUMNS = ", ".join(Dependency.__dataclass_fields__)
BY_DATASETS = (
    f"SELECT {COLUMNS} FROM stage WHERE dataset_id = ANY($1::bigint[]) AND active ORDER BY id"
)


async def list_by_datasets(db: Database, dataset_ids: Sequence[int]) -> list[Stage]:
    """The active stages that work on datasets."""
    return await fetch_many(db, Stage, BY_DATASETS, dataset_ids)


NAMES = tuple(Stage.__dataclass_fields__)
SAVED = NAMES[NAMES.index("name") : NAMES.index("active")]
"""What a save of the campaign sets."""

BY_IDS = f"SELECT {COLUMNS} FROM stage WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Stage]:
    """Find the stages that exist among these."""
    return await fetch_many(db, Stage, BY_IDS, ids)


OF_CAMPAIGNS = f"""
    SELECT {COLUMNS} FROM stage WHERE campaign_id = ANY($1::bigint[]) AND active ORDER BY id
"""


async def list_by_campaigns(db: Database, ids: Sequence[int]) -> list[Stage]:
    """Read the active stages of these campaigns, of each at most as many as one can have."""
    return await fetch_many(db, Stage, OF_CAMPAIGNS, ids)


ALL_OF_CAMPAIGN = f"SELECT {COLUMNS} FROM stage WHERE campaign_id = $1 ORDER BY id"


async def list_all_by_campaign(db: Database, campaign_id: int) -> list[Stage]:
    """Read the stages of a campaign, those too that it had once."""
    return await fetch_many(db, Stage, ALL_OF_CAMPAIGN, campaign_id)


DEPENDENCIES_BY_IDS = f"""
    SELECT {D_COLUMNS} FROM dependency WHERE id = ANY($1::bigint[])
"""


async def find_dependencies(db: Database, ids: Sequence[int]) -> list[Dependency]:
    """Find the dependencies that exist among these."""
    return await fetch_many(db, Dependency, DEPENDENCIES_BY_IDS, ids)


DEPENDENCIES_OF = f"""
    SELECT {D_COLUMNS} FROM dependency WHERE campaign_id = ANY($1::bigint[]) AND active ORDER BY id
"""


async def list_dependencies(db: Database, campaign_ids: Sequence[int]) -> list[Dependency]:
    """Read the active dependencies of these campaigns."""
    return await fetch_many(db, Dependency, DEPENDENCIES_OF, campaign_ids)


NEXT_IDS = """
    SELECT nextval(pg_get_serial_sequence('stage', 'id')) FROM generate_series(1, $1)
"""


async def reserve_ids(conn: Connection, count: int) -> list[int]:
    """Reserve the ids of stages that are about to be made."""
    return [record[0] for record in await conn.fetch(NEXT_IDS, count)]


# A stage whose work (or whose tests) begins anew goes to the next epoch; the raised split_seq makes a launch that
# is being planned right now plan again. In the order of ids, which is the order of locks.
SAVE = """
    INSERT INTO stage AS s (id, experiment_id, campaign_id, name, kind, job_type_id, login_setup_id, dataset_id,
                            parameter_lists, split, test_split, software_version, parameters, test_parameters,
                            files_per_job, bytes_per_job, jobs_per_slice, events_per_job, completion, completion_pct,
                            deadline_s, deadline_from, recoveries, resources, batch_system, batch_options,
                            most_unfinished, most_jobs, merge_overrides, output_ancestor_depth,
                            until_exhausted)
    OVERRIDING SYSTEM VALUE
    SELECT x.id, $1, $2, x.name, x.kind, x.job_type_id, x.login_setup_id, x.dataset_id, x.parameter_lists, x.split,
           x.test_split, x.software_version, x.parameters, x.test_parameters, x.files_per_job, x.bytes_per_job,
           x.jobs_per_slice, x.events_per_job, x.completion, x.completion_pct, x.deadline_s,
           x.deadline_from, nullif(x.recoveries, 'null'),
           x.resources, x.batch_system, x.batch_options, x.most_unfinished, x.most_jobs, x.merge_overrides,
           x.output_ancestor_depth, x.until_exhausted
      FROM jsonb_to_recordset($3) AS x (
               id bigint, name text, kind stage_kind, job_type_id bigint, login_setup_id bigint, dataset_id bigint,
               parameter_lists jsonb, split text, test_split text, software_version text, parameters jsonb,
               test_parameters jsonb, files_per_job int, bytes_per_job bigint, jobs_per_slice int,
               events_per_job bigint, completion completion, completion_pct int, deadline_s int,
               deadline_from deadline_from, recoveries jsonb,
               resources jsonb, batch_system text, batch_options jsonb, most_unfinished int, most_jobs int,
               merge_overrides boolean, output_ancestor_depth int, until_exhausted boolean)
     ORDER BY x.id
        ON CONFLICT (id) DO UPDATE SET
           kind = excluded.kind, job_type_id = excluded.job_type_id, login_setup_id = excluded.login_setup_id,
           dataset_id = excluded.dataset_id, parameter_lists = excluded.parameter_lists, split = excluded.split,
           test_split = excluded.test_split, software_version = excluded.software_version,
           parameters = excluded.parameters, test_parameters = excluded.test_parameters,
           files_per_job = excluded.files_per_job, bytes_per_job = excluded.bytes_per_job,
           jobs_per_slice = excluded.jobs_per_slice, events_per_job = excluded.events_per_job,
           completion = excluded.completion, completion_pct = excluded.completion_pct,
           deadline_s = excluded.deadline_s, deadline_from = excluded.deadline_from, recoveries = excluded.recoveries,
           resources = excluded.resources, batch_system = excluded.batch_system,
           batch_options = excluded.batch_options, most_unfinished = excluded.most_unfinished,
           most_jobs = excluded.most_jobs,
           merge_overrides = excluded.merge_overrides, output_ancestor_depth = excluded.output_ancestor_depth,
           until_exhausted = excluded.until_exhausted, active = true, updated_at = now(), split_seq = s.split_seq + 1,
           epoch = s.epoch + (s.id = ANY($4::bigint[]))::int,
           cursor = CASE WHEN s.id = ANY($4::bigint[]) THEN '0' ELSE s.cursor END,
           test_epoch = s.test_epoch - (s.id = ANY($5::bigint[]))::int,
           test_cursor = CASE WHEN s.id = ANY($5::bigint[]) THEN '0' ELSE s.test_cursor END
"""


async def save_stages(
    conn: Connection,
    campaign: tuple[int, int],
    stages: Sequence[Mapping[str, Any]],
    restart: Sequence[int],
    restart_tests: Sequence[int],
) -> None:
    """Make or change stages of a campaign (experiment's id, its own)."""
    await conn.execute(SAVE, *campaign, list(stages), restart, restart_tests)


DEACTIVATE = """
    UPDATE stage SET active = false, updated_at = now()
     WHERE campaign_id = $1 AND active AND id <> ALL($2::bigint[])
"""


async def deactivate_others(conn: Connection, campaign_id: int, kept: Sequence[int]) -> None:
    """Take every other stage out of the campaign; its submissions go on, it launches nothing more."""
    await conn.execute(DEACTIVATE, campaign_id, kept)


DEACTIVATE_DEPENDENCIES = "UPDATE dependency SET active = false WHERE campaign_id = $1 AND active"

SAVE_DEPENDENCIES = """
    INSERT INTO dependency (campaign_id, upstream_id, downstream_id, patterns, trigger)
    SELECT $1, x.upstream_id, x.downstream_id, ARRAY(SELECT jsonb_array_elements_text(x.patterns)), x.trigger
      FROM jsonb_to_recordset($2) AS x (upstream_id bigint, downstream_id bigint, patterns jsonb, trigger trigger_kind)
        ON CONFLICT (upstream_id, downstream_id) DO UPDATE
           SET patterns = excluded.patterns, trigger = excluded.trigger, active = true
"""


async def save_dependencies(
    conn: Connection, campaign_id: int, edges: Sequence[Mapping[str, Any]]
) -> None:
    """Let exactly these dependencies be the campaign's active ones."""
    await conn.execute(DEACTIVATE_DEPENDENCIES, campaign_id)
    await conn.execute(SAVE_DEPENDENCIES, campaign_id, list(edges))
