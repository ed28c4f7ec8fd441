"""Exactly what a submission runs with: made once at its launch, kept with it for ever."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from domain.campaigns.stages import Completion, StageKind
from domain.setup import parameters
from domain.setup.batch_options import BatchOptions
from domain.setup.job_types import Consumption, JobKind
from domain.setup.launch_hosts import HostKind
from domain.setup.resources import Resources
from domain.submissions.completion import OutputSource, choose_output_source

LATE = frozenset({"submission"})
"""Keywords whose values are known only when a submission is there."""
PLAIN = re.compile(r"[A-Za-z0-9_.,:/=+@-]*")


FORMAT = 1
"""How configurations are written now. A `version` is a stage's own: that of what it runs."""


NO_DATASET = "None"
"""What `%(dataset)s` stands for where there is none, as in POMS."""


class WrongConfiguration(ValueError):
    """What is stored is no configuration; names the field."""


@dataclass(frozen=True, slots=True)
class ScriptLogin:
    """Where a launch script runs, and what is said to its shell first."""

    host: HostKind
    address: str
    account: str
    setup: Sequence[str]


@dataclass(frozen=True, slots=True)
class ConfigurationSources:
    """Where a configuration comes from: the stage, and what it refers to, as they are at the launch."""

    experiment: str
    campaign: str
    stage: str
    kind: str
    version: str
    dataset: str
    job_type_id: int
    command: Sequence[str]
    job_kind: JobKind
    consumption: Consumption
    login: ScriptLogin
    output_check: Sequence[str]
    patterns: Sequence[str]
    environment: Mapping[str, str]
    layers: Sequence[parameters.ParameterPairs]
    """In their order."""
    keywords: Mapping[str, str]
    resources: Sequence[Mapping[str, Any]]
    batch_options: Mapping[str, Any]
    files_per_job: int
    completion: str
    completion_pct: int
    output_ancestor_depth: int
    recoveries: Sequence[Any]


def list_keywords(
    of: ConfigurationSources,
    *,
    parameter: str | None,
    person: str,
    works_on: str | None = None,
    whole: str | None = None,
) -> dict[str, str]:
    """What `%(name)s` stands for; a campaign's own keywords don't change what POMS says of the launch.

    `works_on` is what the files of the launch are called; `whole` the dataset that its split hands on as it is, whose
    name programs get then, as in POMS. A late one stands for itself until the submission is there
    (`fill_late_keywords`).
    """
    dataset = parameter or whole or works_on or NO_DATASET
    return {
        "stage": of.stage,
        "campaign": of.campaign,
        **of.keywords,
        "dataset": dataset,
        "parameter": dataset,
        "version": of.version,
        "group": of.experiment,
        "experiment": of.experiment,
        "experimenter": person,
        **{name: f"%({name})s" for name in LATE},
    }


def build_command(of: ConfigurationSources, keywords: Mapping[str, str]) -> list[str]:
    """The whole command, keywords filled in; raises CommandError where there is none."""
    return _build_command(of, lambda text: parameters.expand_keywords(text, keywords))


def _build_command(of: ConfigurationSources, fill: Callable[[str], str]) -> list[str]:
    found = parameters.resolve_layers(of.layers)
    as_shell = of.job_kind is JobKind.SCRIPT
    return parameters.fill_words(of.command, found, fill, as_shell=as_shell)


def _has_late_keywords(of: ConfigurationSources) -> bool:
    texts = [*of.command, *of.environment.values()]
    texts += [f"{key}{value}" for layer in of.layers for key, value in layer.pairs]
    return any(parameters.has_keyword(text, LATE) for text in texts)


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that a submission runs with."""

    experiment: str
    campaign: str
    stage: str
    kind: StageKind
    version: str
    """What its stage calls that which it runs; a file is done once for each."""
    dataset: str
    job_type_id: int | None
    """None: launches of before don't say."""
    parameter: str | None
    works_on: str | None
    """What its files are called, all of them together; None: it has none, or is of before they were called anything."""
    is_test: bool
    command: Sequence[str]
    job_kind: JobKind
    consumption: Consumption
    output_check: Sequence[str]
    patterns: Sequence[str]
    environment: Mapping[str, str]
    late: bool
    """Whether keywords in the command or the environment stand for what is known only when the submission is there."""
    resources: Resources
    batch_options: BatchOptions
    files_per_job: int
    completion: Completion
    completion_pct: int
    output_ancestor_depth: int
    recoveries: Sequence[Mapping[str, Any]]
    """As `domain.setup.recovery_rules` reads them."""
    login: ScriptLogin | None
    """Of a launch script."""
    format: int = FORMAT

    @property
    def dataset_word(self) -> str:
        """By which name its files can be looked up; empty: by none."""
        return self.parameter or self.works_on or ""

    @property
    def tells_outputs(self) -> bool:
        """Whether somebody tells what its jobs make."""
        return choose_output_source(self.consumption) is not OutputSource.NOBODY

    @property
    def runs_script(self) -> bool:
        """Whether it is launched by a program that submits by itself."""
        return self.job_kind is JobKind.SCRIPT

    def fill_late_keywords(self, submission: int | str) -> "Configuration":
        """The same with what stands for the submission in its command and environment."""
        if not self.late:
            return self
        keywords = {"submission": str(submission)}
        return replace(
            self,
            command=[parameters.expand_keywords(word, keywords) for word in self.command],
            environment={
                name: parameters.expand_keywords(value, keywords)
                for name, value in self.environment.items()
            },
            late=False,
        )

    def fill_shown_keywords(self) -> "Configuration":
        """The same of what is not launched yet: late keywords stay as they were written."""
        return self.fill_late_keywords("%(submission)s")

    def to_json(self) -> dict[str, Any]:
        """As it is stored: what is not so, or not there, is left out."""
        stored = {f.name: getattr(self, f.name) for f in fields(self)}
        stored |= {name: list(stored[name]) for name in LISTS}
        stored |= {
            "environment": dict(self.environment),
            "resources": asdict(self.resources),
            "batch_options": self.batch_options.stored,
            "recoveries": [dict(entry) for entry in self.recoveries],
            "login": self.login and asdict(self.login) | {"setup": list(self.login.setup)},
        }
        return {
            name: value
            for name, value in stored.items()
            if name not in RARE or value not in (None, False)
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Configuration":
        """What is stored, also by older versions; raises WrongConfiguration, which names the field."""
        if (found := stored.get("format", 1)) != FORMAT:
            raise WrongConfiguration(
                f"configuration.format is {found!r}: this version of POMS reads {FORMAT}; install a newer one."
            )
        values = {name: _read_field(name, read, stored) for name, read in READ.items()}
        return cls(**values)


T = TypeVar("T")
RARE = frozenset({"late", "login", "works_on"})
LISTS = "command", "output_check", "patterns"


def _read_type(kind: type[T]) -> Callable[[Any], T]:
    def read(value: Any) -> T:
        if type(value) is not kind:
            raise TypeError
        return value

    return read


def _read_words(value: Any) -> list[str]:
    return [_read_type(str)(word) for word in _read_type(list)(value)]


def _read_variables(value: Any) -> dict[str, str]:
    return {name: _read_type(str)(text) for name, text in _read_type(dict)(value).items()}


def _read_rules(value: Any) -> list[Mapping[str, Any]]:
    return [_read_type(dict)(entry) for entry in _read_type(list)(value)]


def _read_optional(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else read(value)


def _read_resources(value: Any) -> Resources:
    return Resources(
        **{name: _read_type(int)(given) for name, given in _read_type(dict)(value).items()}
    )


def _read_login(value: Any) -> ScriptLogin:
    login = _read_type(dict)(value)
    address, account = (_read_type(str)(login[name]) for name in ("address", "account"))
    return ScriptLogin(HostKind(login["host"]), address, account, _read_words(login["setup"]))


READ: Mapping[str, Callable[[Any], Any]] = {
    **{name: _read_type(str) for name in ("experiment", "campaign", "stage", "version", "dataset")},
    "kind": StageKind,
    "job_type_id": _read_optional(_read_type(int)),
    "parameter": _read_optional(_read_type(str)),
    "works_on": _read_optional(_read_type(str)),
    "is_test": _read_type(bool),
    "command": _read_words,
    "job_kind": JobKind,
    "consumption": Consumption,
    "output_check": _read_words,
    "patterns": _read_words,
    "environment": _read_variables,
    "late": _read_type(bool),
    "resources": _read_resources,
    "batch_options": lambda value: BatchOptions.of(value),
    "files_per_job": _read_type(int),
    "completion": Completion,
    "completion_pct": _read_type(int),
    "output_ancestor_depth": _read_type(int),
    "recoveries": _read_rules,
    "login": _read_optional(_read_login),
}
"""How each field is read."""

OLDER: Mapping[str, Any] = {
    "kind": StageKind.REGULAR, "job_type_id": None, "parameter": None, "works_on": None, "is_test": False,
    "job_kind": JobKind.PAYLOAD,
    "consumption": Consumption.PAYLOAD, "output_check": [], "late": False, "batch_options": {},
    "output_ancestor_depth": 1, "recoveries": [], "login": None,
}  # fmt: skip
"""What is meant where a field is missing: configurations of before say nothing of it."""


def _read_field(name: str, read: Callable[[Any], Any], stored: Mapping[str, Any]) -> Any:
    if name not in stored and name not in OLDER:
        raise WrongConfiguration(f"configuration.{name} is missing.")
    value = stored.get(name, OLDER.get(name))
    try:
        return read(value)
    except (KeyError, TypeError, ValueError) as error:
        raise WrongConfiguration(f"configuration.{name} can't be {value!r}.") from error


def read_cpus(stored: Mapping[str, Any]) -> int:
    """How many cores a job was given. Lists ask it of each row, and nothing else of its configuration."""
    resources: Resources = _read_field("resources", _read_resources, stored)
    return resources.cpus


def read_consumption(stored: Mapping[str, Any]) -> Consumption:
    """Who tells what became of its files; as little as `read_cpus`."""
    found: Consumption = _read_field("consumption", Consumption, stored)
    return found


def fill_stored(stored: Mapping[str, Any], submission: int) -> Mapping[str, Any]:
    """A configuration as it is stored, with what stands for the submission."""
    if not stored.get("late"):
        return stored
    return Configuration.from_json(stored).fill_late_keywords(submission).to_json()


def make_configuration(
    of: ConfigurationSources,
    *,
    parameter: str | None,
    person: str,
    is_test: bool,
    works_on: str | None = None,
    whole: str | None = None,
) -> Configuration:
    """The whole configuration; raises CommandError, such as for a `%(name)s` that has no value."""
    keywords = list_keywords(of, parameter=parameter, person=person, works_on=works_on, whole=whole)
    late = _has_late_keywords(of)

    def fill(text: str) -> str:
        if late:
            return parameters.expand_early(text, keywords, LATE)
        return parameters.expand_keywords(text, keywords)

    return Configuration(
        experiment=of.experiment,
        campaign=of.campaign,
        stage=of.stage,
        kind=StageKind(of.kind),
        version=of.version,
        dataset=of.dataset,
        job_type_id=of.job_type_id,
        parameter=parameter,
        works_on=works_on,
        is_test=is_test,
        command=_build_command(of, fill),
        job_kind=of.job_kind,
        consumption=choose_consumption(of, has_files=works_on is not None),
        output_check=of.output_check,
        patterns=of.patterns,
        environment={name: fill(value) for name, value in of.environment.items()},
        late=late,
        resources=Resources(**merge_resources(of.resources)),
        batch_options=BatchOptions.of(of.batch_options),
        files_per_job=of.files_per_job,
        completion=Completion(of.completion),
        completion_pct=of.completion_pct,
        output_ancestor_depth=of.output_ancestor_depth,
        recoveries=of.recoveries,
        login=_expand_login(of.login, keywords) if of.job_kind is JobKind.SCRIPT else None,
    )


def choose_consumption(of: ConfigurationSources, *, has_files: bool) -> Consumption:
    """Who says what became of its files: where there are none, no project can hand them out."""
    if of.consumption is Consumption.PROJECT and not has_files:
        return Consumption.EXIT_CODE
    return of.consumption


def _expand_login(of: ScriptLogin, keywords: Mapping[str, str]) -> ScriptLogin:
    """In what a shell reads a keyword stands for a plain word, or for nothing."""
    plain = {name: value for name, value in keywords.items() if PLAIN.fullmatch(value)}
    try:
        setup = [parameters.expand_keywords(line, plain) for line in of.setup]
        account = parameters.expand_keywords(of.account, plain)
    except parameters.UnknownKeyword as error:
        said = f"The login setup can't be expanded: {error} A shell reads it: only plain words can stand in it."
        raise parameters.UnknownKeyword(said) from error
    return replace(of, account=account, setup=setup)


def merge_resources(layers: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Resources of later layers over those of earlier ones and the defaults; other keys are left out."""
    default = Resources()
    names = [f.name for f in fields(Resources)]
    return {
        name: next((int(x[name]) for x in reversed(layers) if name in x), getattr(default, name))
        for name in names
    }
