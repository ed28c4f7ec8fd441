"""A stage with all that its launch needs, read at once."""

from dataclasses import dataclass
from typing import Any

from db.files import datasets
from db.pool import Database, fetch_one
from domain.campaigns.splits.queries import SplitSource
from domain.campaigns.splits.reading import parse_split
from domain.campaigns.stages import Completion, StageKind
from domain.launching.slice_names import list_candidates, name_slice
from domain.names import RESERVED
from domain.setup.job_types import Consumption, JobKind
from domain.setup.launch_hosts import HostKind
from domain.setup.parameters import (
    CommandError,
    ParameterOrigin,
    ParameterPairs,
    fill_dataset_name,
)
from domain.submissions.configuration import ConfigurationSources, ScriptLogin
from domain.submissions.units import JobBounds

WHOLE = frozenset({"none", "draining"})
"""Splits that hand a dataset on under its own name."""


@dataclass(frozen=True, slots=True)
class StageLaunchView:
    """A stage, its job type, login setup, campaign and dataset."""

    id: int
    experiment_id: int
    experiment: str
    campaign_id: int
    campaign: str
    campaign_active: bool
    campaign_draft: bool
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
    slices: int
    epoch: int
    cursor: Any
    test_epoch: int
    test_cursor: Any
    split_seq: int
    dataset_id: int | None
    dataset: str
    is_fed: bool
    """It works on what the stages upstream make, and on nothing else."""
    head: int
    batch_system: str
    job_type_id: int
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
        """Makes files from nothing but parameters, or knows by itself what it works on."""
        return self.kind is StageKind.GENERATOR or self.dataset_id is None

    @property
    def bounds(self) -> JobBounds:
        """What one job that works on files gets at most."""
        return JobBounds(self.files_per_job, self.bytes_per_job, self.events_per_job)

    @property
    def events_per_unit(self) -> int:
        """How many events one job of a generator makes."""
        return self.events_per_job or 1

    @property
    def kind_can_not_run(self) -> bool:
        """Approvals and data transfers run no jobs; they come with requests."""
        return self.kind in (StageKind.APPROVAL, StageKind.DATATRANSFER)

    @property
    def source(self) -> SplitSource:
        """What there is to split; its clocks are those of its schedule."""
        return SplitSource(
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

    def name_next_slice(self, *, is_test: bool) -> str | None:
        """What the files of its next launch will be called; a generator has none."""
        if self.generates:
            return None
        number = 1 + (self.split_seq if is_test else self.slices)
        return name_slice(self.dataset, self.id, number, is_test=is_test)

    def name_whole_dataset(self, *, is_test: bool) -> str | None:
        """The dataset, where its split hands it on as it is; what the stages upstream made has no name of its own."""
        is_fed = self.dataset.startswith(RESERVED)
        split = parse_split(self.split_for(is_test=is_test)).name
        return self.dataset if self.dataset and not is_fed and split in WHOLE else None

    def fill_entry(self, entry: str | None) -> str | None:
        """An entry of a list, or a combination of parameters, with what keywords in it stand for."""
        if entry is None:
            return None
        own = self.campaign_defaults.get("keywords", {})
        return fill_dataset_name(
            entry, own, version=self.software_version, experiment=self.experiment
        )

    def split_for(self, *, is_test: bool) -> str:
        """The split's text; test launches may have their own."""
        return self.test_split if is_test and self.test_split is not None else self.split

    def layers(self, *, is_test: bool, recovery: list[list[str]]) -> list[ParameterPairs]:
        """Its parameters, by where they come from, the later over the earlier."""
        campaign = self.campaign_defaults.get("parameters", []) if self.merge_overrides else []
        return [
            ParameterPairs(ParameterOrigin.JOB_TYPE, self.type_parameters),
            ParameterPairs(ParameterOrigin.CAMPAIGN, campaign),
            ParameterPairs(ParameterOrigin.STAGE, self.parameters),
            ParameterPairs(ParameterOrigin.RECOVERY, recovery),
            ParameterPairs(ParameterOrigin.TEST, self.test_parameters if is_test else []),
            ParameterPairs(ParameterOrigin.RECOVERY, recovery),
        ]

    def ingredients(
        self, *, is_test: bool, recovery: list[list[str]] | None = None
    ) -> ConfigurationSources:
        """What the configuration is made of; a recovery's overrides win over those of a test."""
        return ConfigurationSources(
            experiment=self.experiment,
            campaign=self.campaign,
            stage=self.name,
            kind=self.kind,
            version=self.software_version,
            dataset=self.dataset,
            job_type_id=self.job_type_id,
            command=self.command,
            job_kind=self.job_kind,
            consumption=self.consumption,
            login=ScriptLogin(self.host_kind, self.address, self.account, self.setup),
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
           c.draft AS campaign_draft,
           c.revision AS campaign_revision, c.defaults AS campaign_defaults, s.name, s.kind, s.active, s.split,
           s.test_split, s.parameter_lists, s.software_version, s.parameters, s.test_parameters, s.files_per_job,
           s.bytes_per_job, s.jobs_per_slice, s.events_per_job, s.completion, s.completion_pct,
           s.output_ancestor_depth,
           coalesce(s.recoveries, t.recoveries) AS recoveries, s.resources, s.batch_options,
           s.most_unfinished, s.most_jobs, s.merge_overrides, s.unfinished, s.slices, s.epoch,
           s.cursor, s.test_epoch, s.test_cursor, s.split_seq,
           coalesce(d.id, s.dataset_id) AS dataset_id, coalesce(d.name, '') AS dataset,
           coalesce(p.name = 'stage:' || s.id, false) AS is_fed,
           coalesce(d.head, 0) AS head, s.batch_system, t.id AS job_type_id, t.command, t.kind AS job_kind,
           t.consumption, t.output_check, t.patterns, t.parameters AS type_parameters,
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


async def find_by_stage(db: Database, stage_id: int, *, is_test: bool) -> StageLaunchView | None:
    """Read what a launch of the stage needs; a test works on what tests upstream have made."""
    return await fetch_one(db, StageLaunchView, BY_STAGE, stage_id, is_test)


async def choose_free_name(db: Database, stage: StageLaunchView, name: str) -> str:
    """The name, or one of those in its place, that no dataset has; raises CommandError where there is none."""
    found = await datasets.find_free_name(db, stage.experiment_id, list_candidates(name))
    if found is None:
        raise CommandError(f"Datasets have the name {name!r} and all that come in its place.")
    return found


USERNAME = "SELECT username FROM person WHERE id = $1"


async def find_username(db: Database, person_id: int) -> str:
    """The name that goes into the keyword `experimenter`."""
    return str(await db.fetchval(USERNAME, person_id))
