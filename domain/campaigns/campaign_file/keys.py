"""Which key of the file says what, and what ours says besides, in sections of its own (`[poms_stage X]`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.campaigns.campaign_file import commands, values
from domain.campaigns.stages import Completion, DeadlineFrom, StageKind
from domain.setup.job_types import Consumption, JobKind

Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class FileKey:
    """A key of POMS's file, and the field that it becomes."""

    key: str
    field: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str


def _read_split(text: str) -> str:
    return "none" if values.is_nothing(text) else text


def _write_split(split: str) -> str:
    return "None" if split == "none" else split


def _read_optional_yes_no(text: str) -> bool | None:
    return None if values.is_nothing(text) else values.read_yes_no(text)


DATA = "dataset_or_split_data"
STAGE = (
    FileKey("stage_type", "kind", values.make_choice_reader(StageKind)),
    FileKey("job_type", "job_type", str),
    FileKey("login_setup", "login_setup", str),
    FileKey("software_version", "software_version", str),
    FileKey("cs_split_type", "split", _read_split, _write_split),
    FileKey("completion_type", "completion", values.make_choice_reader(Completion)),
    FileKey("completion_pct", "completion_pct", values.read_whole),
    FileKey("param_overrides", "parameters", values.read_pairs, values.write_json),
    FileKey("test_param_overrides", "test_parameters", values.read_pairs, values.write_json),
    FileKey("merge_overrides", "merge_overrides", values.read_yes_no),
    FileKey("output_ancestor_depth", "output_ancestor_depth", values.read_whole),
    FileKey("default_clear_cronjob", "until_exhausted", _read_optional_yes_no),
)
"""All of a stage's but its dataset, which its split has a say in."""
UNSAID: Mapping[str, str] = {"job_type": "", "login_setup": "", "batch_system": "htcondor"}
"""What a stage has where nobody says it: POMS's launch scripts submit to HTCondor."""
KEPT = frozenset({
    "vo_role", "data_dispatcher_dataset_query", "data_dispatcher_project_id",
})  # fmt: skip
"""Keys of a stage that say nothing here: they stay as they are."""
OWN_STAGE: Mapping[str, Read] = {
    "kind": values.make_choice_reader(StageKind),
    "job_type": values.read_word,
    "login_setup": values.read_word,
    "dataset": values.make_optional(values.read_word),
    "parameter_lists": values.read_text_lists,
    "split": values.read_word,
    "test_split": values.make_optional(values.read_word),
    "software_version": values.read_word,
    "parameters": values.read_pair_list,
    "test_parameters": values.read_pair_list,
    "files_per_job": values.read_whole_number,
    "bytes_per_job": values.make_optional(values.read_whole_number),
    "jobs_per_slice": values.read_whole_number,
    "events_per_job": values.make_optional(values.read_whole_number),
    "completion": values.make_choice_reader(Completion),
    "completion_pct": values.read_whole_number,
    "deadline_s": values.make_optional(values.read_whole_number),
    "deadline_from": values.make_choice_reader(DeadlineFrom),
    "recoveries": values.make_optional(values.read_recovery_list),
    "resources": values.read_mapping,
    "batch_system": values.read_word,
    "batch_options": values.read_batch_options,
    "most_unfinished": values.make_optional(values.read_whole_number),
    "most_jobs": values.make_optional(values.read_whole_number),
    "merge_overrides": values.read_json_boolean,
    "output_ancestor_depth": values.read_whole_number,
    "until_exhausted": values.make_optional(values.read_json_boolean),
}
"""Every field of a stage but its name."""
OWN_EDGE: Mapping[str, Read] = {"upstream": values.read_word, "patterns": values.read_text_list}
"""Every field of a dependency but its downstream stage."""

JOB_TYPE = (
    FileKey("launch_script", "command", commands.read_command, commands.write_command),
    FileKey("parameters", "parameters", values.read_pairs, values.write_json),
    FileKey(
        "output_file_patterns", "patterns", values.read_patterns,
        lambda found: ",".join(map(values.write_pattern, found)),
    ),
    FileKey("recoveries", "recoveries", values.read_recoveries, values.write_recoveries),
)  # fmt: skip
LAUNCH_SCRIPT: Mapping[str, Any] = {"kind": JobKind.SCRIPT, "consumption": Consumption.EXIT_CODE}
"""What every `launch_script` of POMS's is: it submits jobs, which know nothing of how they are accounted for."""
OWN_JOB_TYPE: Mapping[str, Read] = {
    "command": values.read_text_list,
    "kind": values.make_choice_reader(JobKind),
    "consumption": values.make_choice_reader(Consumption),
    "parameters": values.read_pair_list,
    "output_check": values.read_text_list,
    "patterns": values.read_text_list,
    "recoveries": values.read_recovery_list,
    "resources": values.read_mapping,
}


def _read_lines(text: str) -> list[str]:
    return [text] if text else []


LOGIN_SETUP = (
    FileKey("account", "account", values.read_account),
    FileKey("setup", "setup", _read_lines, "; ".join),
)
HOST = "host"
OWN_LOGIN_SETUP: Mapping[str, Read] = {
    "account": values.read_word,
    "setup": values.read_text_list,
    "environment": values.read_pair_list,
}

CAMPAIGN = frozenset({"experiment", "poms_role", "name", "state", "campaign_stage_list"})
"""Keys of `[campaign]` that are read, or follow from the rest."""
PARAMETERS = FileKey("param_overrides", "parameters", values.read_pairs)
KEYWORDS = FileKey("campaign_keywords", "keywords", values.read_keywords)
OWN_CAMPAIGN: Mapping[str, Read] = {
    "description": values.read_word,
    "parameters": values.read_pair_list,
    "keywords": values.read_pair_list,
}
IMPLIED = ("vo_role", "Production")
"""What POMS wants in `[campaign_defaults]`, and what stands there where nobody says otherwise."""


def write_keys(keys: Sequence[FileKey], thing: Any) -> dict[str, str]:
    """What POMS's keys say of a thing; of what it leaves open, nothing."""
    found = [(key, getattr(thing, key.field)) for key in keys]
    return {key.key: key.write(value) for key, value in found if value is not None}
