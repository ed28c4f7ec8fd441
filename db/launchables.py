"""A stage with all that its launch needs, read at once."""

from dataclasses import dataclass
from typing import Any

from db.pool import Database, one
from domain.configuration import Ingredients, Login
from domain.job_types import Consumption, JobKind
from domain.launches import HostKind
from domain.parameters import Layer, Origin
from domain.splits import Source
from domain.stages import Completion, StageKind
from domain.units import Bounds


@dataclass(frozen=True, slots=True)
class Launchable:
    """A stage, its job type, login setup, campaign and dataset."""

    id: int
    experiment_id: int
    experiment: str
    campaign_id: int
    campaign: str
    campaign_active: bool
    campaign_revision: int
    campaign_defaults: dict[str, Any]
    name: str
    kind: StageKind
    active: bool
    split: str
    test_split: str | None
    parameter_lists: list[list[str]]
    software_version: str
    parameters: list[list[str]]
    test_parameters: list[list[str]]
    files_per_job: int
    bytes_per_job: int | None
    jobs_per_slice: int
    events_per_job: int | None
    completion: Completion
    completion_pct: int
    output_ancestor_depth: int
    recoveries: list[Any]
    resources: dict[str, Any]
    batch_options: dict[str, Any]
    most_unfinished: int | None
    most_jobs: int | None
    merge_overrides: bool
    unfinished: int
    epoch: int
    cursor: Any
    test_epoch: int
    test_cursor: Any
    split_seq: int
    dataset_id: int | None
    dataset: str
    head: int
    batch_system: str
    command: list[str]
    job_kind: JobKind
    consumption: Consumption
    output_check: list[str]
    patterns: list[str]
    type_parameters: list[list[str]]
    type_resources: dict[str, Any]
    environment: dict[str, str]
    host_kind: HostKind
    address: str
    account: str
    setup: list[str]
    now: int
    zone: str | None

    @property
    def generates(self) -> bool:
        """Makes files from nothing but parameters."""
        return self.kind is StageKind.GENERATOR or (
            self.kind is StageKind.TEST and self.dataset_id is None
        )

    @property
    def bounds(self) -> Bounds:
        """What one job that works on files gets at most."""
        return Bounds(self.files_per_job, self.bytes_per_job, self.events_per_job)

    @property
    def events_per_unit(self) -> int:
        """How many events one job of a generator makes."""
        return self.events_per_job or 1

    @property
    def kind_can_not_run(self) -> bool:
        """Approvals and data transfers run no jobs; they come with requests."""
        return self.kind in (StageKind.APPROVAL, StageKind.DATATRANSFER)

    @property
    def source(self) -> Source:
        """What there is to split; its clocks are those of its schedule."""
        return Source(
            head=self.head,
            generates=self.generates,
            parameter_lists=self.parameter_lists,
            jobs_per_slice=self.jobs_per_slice,
            events_per_job=self.events_per_unit,
            now=self.now,
            zone=self.zone,
        )

    def epoch_for(self, *, is_test: bool) -> int:
        """The round through its work; those of test launches are their own."""
        return self.test_epoch if is_test else self.epoch

    def cursor_for(self, *, is_test: bool) -> Any:
        """How far it has come in that round."""
        return self.test_cursor if is_test else self.cursor

    def split_for(self, *, is_test: bool) -> str:
        """The split's text; test launches may have their own."""
        return self.test_split if is_test and self.test_split is not None else self.split

    def layers(self, *, is_test: bool, recovery: list[list[str]]) -> list[Layer]:
        """Its parameters, by where they come from, the later over the earlier."""
        campaign = self.campaign_defaults.get("parameters", []) if self.merge_overrides else []
        return [
            Layer(Origin.JOB_TYPE, self.type_parameters),
            Layer(Origin.CAMPAIGN, campaign),
            Layer(Origin.STAGE, self.parameters),
            Layer(Origin.RECOVERY, recovery),
            Layer(Origin.TEST, self.test_parameters if is_test else []),
            Layer(Origin.RECOVERY, recovery),
        ]

    def ingredients(self, *, is_test: bool, recovery: list[list[str]] | None = None) -> Ingredients:
        """What the configuration is made of; a recovery's overrides win over those of a test."""
        return Ingredients(
            experiment=self.experiment,
            campaign=self.campaign,
            stage=self.name,
            kind=self.kind,
            version=self.software_version,
            dataset=self.dataset,
            command=self.command,
            job_kind=self.job_kind,
            consumption=self.consumption,
            login=Login(self.host_kind, self.address, self.account, self.setup),
            output_check=self.output_check,
            patterns=self.patterns,
            environment=self.environment,
            layers=self.layers(is_test=is_test, recovery=recovery or []),
            keywords=self.campaign_defaults.get("keywords", {}),
            resources=(self.type_resources, self.resources),
            batch_options=self.batch_options,
            files_per_job=self.files_per_job,
            completion=self.completion,
            completion_pct=self.completion_pct,
            output_ancestor_depth=self.output_ancestor_depth,
            recoveries=self.recoveries,
        )


BY_STAGE = """
    SELECT s.id, s.experiment_id, e.name AS experiment, s.campaign_id, c.name AS campaign, c.active AS campaign_active,
           c.revision AS campaign_revision, c.defaults AS campaign_defaults, s.name, s.kind, s.active, s.split,
           s.test_split, s.parameter_lists, s.software_version, s.parameters, s.test_parameters, s.files_per_job,
           s.bytes_per_job, s.jobs_per_slice, s.events_per_job, s.completion, s.completion_pct,
           s.output_ancestor_depth,
           coalesce(s.recoveries, t.recoveries) AS recoveries, s.resources, s.batch_options,
           s.most_unfinished, s.most_jobs, s.merge_overrides, s.unfinished, s.epoch,
           s.cursor, s.test_epoch, s.test_cursor, s.split_seq,
           coalesce(d.id, s.dataset_id) AS dataset_id, coalesce(d.name, '') AS dataset,
           coalesce(d.head, 0) AS head, s.batch_system, t.command, t.kind AS job_kind, t.consumption,
           t.output_check, t.patterns, t.parameters AS type_parameters,
           t.resources AS type_resources, l.environment, o.kind AS host_kind, o.address, l.account, l.setup,
           extract(epoch FROM now())::bigint AS now, h.zone
      FROM stage s
      JOIN experiment e ON e.id = s.experiment_id
      JOIN campaign c ON c.id = s.campaign_id
      JOIN job_type t ON t.id = s.job_type_id
      JOIN login_setup l ON l.id = s.login_setup_id
      JOIN launch_host o ON o.id = l.launch_host_id
      LEFT JOIN dataset p ON p.id = s.dataset_id
      LEFT JOIN dataset d
        ON d.id = CASE WHEN $2 AND p.name = 'stage:' || s.id THEN s.test_dataset_id ELSE s.dataset_id END
      LEFT JOIN schedule h ON h.stage_id = s.id
     WHERE s.id = $1
"""


async def by_stage(db: Database, stage_id: int, *, is_test: bool) -> Launchable | None:
    """Read what a launch of the stage needs; a test works on what tests upstream have made."""
    return await one(db, Launchable, BY_STAGE, stage_id, is_test)


USERNAME = "SELECT username FROM person WHERE id = $1"


async def username(db: Database, person_id: int) -> str:
    """The name that goes into the keyword `experimenter`."""
    return str(await db.fetchval(USERNAME, person_id))
