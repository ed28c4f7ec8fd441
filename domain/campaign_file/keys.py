"""Which key of the file says what, and what ours says besides, in sections of its own (`[poms_stage X]`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.campaign_file import commands, values
from domain.job_types import Consumption, JobKind
from domain.stages import Completion, DeadlineFrom, StageKind

Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Key:
    """A key of POMS's file, and the field that it becomes."""

    key: str
    field: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str


def _split(text: str) -> str:
    return "none" if values.is_nothing(text) else text


def _written_split(split: str) -> str:
    return "None" if split == "none" else split


def _yes_no_or_neither(text: str) -> bool | None:
    return None if values.is_nothing(text) else values.read_yes_no(text)


DATA = "dataset_or_split_data"
STAGE = (
    Key("stage_type", "kind", values.one_of(StageKind)),
    Key("job_type", "job_type", str),
    Key("login_setup", "login_setup", str),
    Key("software_version", "software_version", str),
    Key("cs_split_type", "split", _split, _written_split),
    Key("completion_type", "completion", values.one_of(Completion)),
    Key("completion_pct", "completion_pct", values.read_whole),
    Key("param_overrides", "parameters", values.read_pairs, values.to_json),
    Key("test_param_overrides", "test_parameters", values.read_pairs, values.to_json),
    Key("merge_overrides", "merge_overrides", values.read_yes_no),
    Key("output_ancestor_depth", "output_ancestor_depth", values.read_whole),
    Key("default_clear_cronjob", "until_exhausted", _yes_no_or_neither),
)
"""All of a stage's but its dataset, which its split has a say in."""
UNSAID: Mapping[str, str] = {"job_type": "", "login_setup": "", "batch_system": "htcondor"}
"""What a stage has where nobody says it: POMS's launch scripts submit to HTCondor."""
KEPT = frozenset({
    "vo_role", "data_dispatcher_dataset_query", "data_dispatcher_project_id",
})  # fmt: skip
"""Keys of a stage that say nothing here: they stay as they are."""
OWN_STAGE: Mapping[str, Read] = {
    "kind": values.one_of(StageKind),
    "job_type": values.word,
    "login_setup": values.word,
    "dataset": values.optional(values.word),
    "parameter_lists": values.lists,
    "split": values.word,
    "test_split": values.optional(values.word),
    "software_version": values.word,
    "parameters": values.pairs,
    "test_parameters": values.pairs,
    "files_per_job": values.whole,
    "bytes_per_job": values.optional(values.whole),
    "jobs_per_slice": values.whole,
    "events_per_job": values.optional(values.whole),
    "completion": values.one_of(Completion),
    "completion_pct": values.whole,
    "deadline_s": values.optional(values.whole),
    "deadline_from": values.one_of(DeadlineFrom),
    "recoveries": values.optional(values.recoveries),
    "resources": values.mapping,
    "batch_system": values.word,
    "batch_options": values.batch_options,
    "most_unfinished": values.optional(values.whole),
    "most_jobs": values.optional(values.whole),
    "merge_overrides": values.yes_no,
    "output_ancestor_depth": values.whole,
    "until_exhausted": values.optional(values.yes_no),
}
"""Every field of a stage but its name."""
OWN_EDGE: Mapping[str, Read] = {"upstream": values.word, "patterns": values.texts}
"""Every field of a dependency but its downstream stage."""

JOB_TYPE = (
    Key("launch_script", "command", commands.read_command, commands.write_command),
    Key("parameters", "parameters", values.read_pairs, values.to_json),
    Key(
        "output_file_patterns", "patterns", values.read_patterns,
        lambda found: ",".join(map(values.write_pattern, found)),
    ),
    Key("recoveries", "recoveries", values.read_recoveries, values.write_recoveries),
)  # fmt: skip
LAUNCH_SCRIPT: Mapping[str, Any] = {"kind": JobKind.SCRIPT, "consumption": Consumption.EXIT_CODE}
"""What every `launch_script` of POMS's is: it submits jobs, which know nothing of how they are accounted for."""
OWN_JOB_TYPE: Mapping[str, Read] = {
    "command": values.texts,
    "kind": values.one_of(JobKind),
    "consumption": values.one_of(Consumption),
    "parameters": values.pairs,
    "output_check": values.texts,
    "patterns": values.texts,
    "recoveries": values.recoveries,
    "resources": values.mapping,
}


def _lines(text: str) -> list[str]:
    return [text] if text else []


LOGIN_SETUP = (
    Key("account", "account", str),
    Key("setup", "setup", _lines, "; ".join),
)
HOST = "host"
OWN_LOGIN_SETUP: Mapping[str, Read] = {
    "account": values.word,
    "setup": values.texts,
    "environment": values.pairs,
}

CAMPAIGN = frozenset({"experiment", "poms_role", "name", "state", "campaign_stage_list"})
"""Keys of `[campaign]` that are read, or follow from the rest."""
PARAMETERS = Key("param_overrides", "parameters", values.read_pairs)
KEYWORDS = Key("campaign_keywords", "keywords", values.read_keywords)
OWN_CAMPAIGN: Mapping[str, Read] = {
    "description": values.word,
    "parameters": values.pairs,
    "keywords": values.pairs,
}
IMPLIED = ("vo_role", "Production")
"""What POMS wants in `[campaign_defaults]`, and what stands there where nobody says otherwise."""


def written(keys: Sequence[Key], thing: Any) -> dict[str, str]:
    """What POMS's keys say of a thing; of what it leaves open, nothing."""
    found = [(key, getattr(thing, key.field)) for key in keys]
    return {key.key: key.write(value) for key, value in found if value is not None}
