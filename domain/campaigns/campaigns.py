"""What is wrong with a campaign as somebody wants it saved."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from domain import findings
from domain.campaigns.joins import find_join_key
from domain.campaigns.plans import CampaignPlan, PlanEdge, StagePlan
from domain.campaigns.splits.generators import parse_list
from domain.campaigns.splits.reading import SplitError, parse_split
from domain.campaigns.stages import StageKind
from domain.files.lineage import MOST_GENERATIONS
from domain.findings import (
    Finding,
    check_duplicates,
    check_length,
    check_range,
    make_camel_case,
    make_finding,
)
from domain.names import MOST_WORD, SLUG, VARIABLE, check_form, check_name, check_text
from domain.setup import batch_options
from domain.setup.batch_options import BatchOptions
from domain.setup.batch_rules import BatchRules
from domain.setup.job_types import check_script_support
from domain.setup.recovery_rules import check_recovery_rules
from domain.setup.resources import check_resources

MOST_STAGES, MOST_DEPENDENCIES = 200, 1_000
MOST_LISTS, MOST_VALUES = 20, 1_000
MOST_DEADLINE_S = 366 * 86400
MOST_PER_JOB, MOST_EVENTS = 100_000, 1_000_000_000
MOST_UNFINISHED, MOST_JOBS = 100_000, 10_000_000
MOST_BYTES = 10**15
MOST_TAGS, MOST_TAG = 20, 50


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names that are there in the experiment."""

    job_types: Collection[str] = ()
    login_setups: Collection[str] = ()
    datasets: Collection[str] = ()
    scripts: Collection[str] = ()
    """Those of the job types that are launch scripts."""
    refused_setups: Mapping[str, str] = field(default_factory=dict)
    """Why the campaign must not use others of the login setups."""
    batch_rules: BatchRules = field(default_factory=BatchRules)


def check_campaign(plan: CampaignPlan, known: KnownNames) -> list[Finding]:
    """Everything that is wrong with a campaign."""
    return [
        *_check_stage_names(plan),
        *(f for n, stage in enumerate(plan.stages) for f in _check_stage(n, stage, plan, known)),
        *_check_dependencies(plan),
    ]


def check_stages_exist(plan: CampaignPlan) -> Iterator[Finding]:
    """Dependencies on or of a stage that the campaign hasn't got: they launch nothing."""
    names = {stage.name for stage in plan.stages}
    for n, edge in enumerate(plan.dependencies):
        for part, name in (("upstream", edge.upstream), ("downstream", edge.downstream)):
            if name not in names:
                said = f"The campaign has no stage {name[:100]!r}."
                yield Finding(f"dependencies[{n}].{part}", said)


def describe_loop(plan: CampaignPlan) -> Iterator[Finding]:
    """That stages launch each other in a loop, which goes round once."""
    if found := find_loop(plan.whole_dependencies):
        way = " → ".join(name[:100] for name in [*found, found[0]])
        said = f"The stages launch each other in a loop: {way}. None is launched again by what it began itself."
        yield Finding("dependencies", said)


def check_tags(tags: Sequence[str]) -> str | None:
    """What is wrong with the tags of a campaign, or nothing."""
    if len(tags) > MOST_TAGS:
        return f"A campaign has at most {MOST_TAGS} tags, these are {len(tags)}."
    if long := next((tag for tag in tags if len(tag) > MOST_TAG), None):
        return f"A tag has at most {MOST_TAG} characters, {long[:20]!r}… has {len(long)}."
    return next((said for tag in tags if (said := check_name(tag))), None)


def _check_stage_names(plan: CampaignPlan) -> Iterator[Finding]:
    yield from make_finding("name", check_name(plan.name))
    yield from make_finding("description", check_text(plan.description))
    yield from findings.check_pairs("defaults.parameters", plan.parameters)
    yield from findings.check_pairs("defaults.keywords", plan.keywords)
    yield from check_duplicates("defaults.keywords[{}].key", (key for key, _ in plan.keywords))
    for n, (key, _) in enumerate(plan.keywords[: findings.MOST_PAIRS]):
        yield from make_finding(
            f"defaults.keywords[{n}].key", check_form(key, VARIABLE, "detector")
        )
    if not plan.stages:
        yield Finding("stages", "A campaign has at least one stage.")
    yield from check_duplicates("stages[{}].name", (stage.name for stage in plan.stages))


def _check_stage(
    n: int, stage: StagePlan, plan: CampaignPlan, known: KnownNames
) -> Iterator[Finding]:
    at = f"stages[{n}]"
    yield from make_finding(f"{at}.name", check_name(stage.name))
    yield from _check_references(at, stage, known)
    yield from _check_work(at, stage, fed=stage.name in plan.fed)
    if stage.name in plan.launched_by_others:
        yield from _check_own_work(at, stage, known)
    yield from _check_numbers(at, stage)
    yield from make_finding(f"{at}.softwareVersion", check_text(stage.software_version, 200))
    yield from make_finding(f"{at}.batchSystem", check_form(stage.batch_system, SLUG, "local"))
    yield from known.batch_rules.check_system(f"{at}.batchSystem", stage.batch_system)
    if stage.job_type in known.scripts:
        yield from make_finding(f"{at}.batchSystem", check_script_support(stage.batch_system))
    options = BatchOptions.of(stage.batch_options)
    yield from batch_options.check_batch_options(f"{at}.batchOptions", options)
    yield from known.batch_rules.problems(f"{at}.batchOptions", stage.batch_system, options)
    yield from findings.check_pairs(f"{at}.parameters", stage.parameters)
    yield from findings.check_pairs(f"{at}.testParameters", stage.test_parameters)
    yield from check_recovery_rules(f"{at}.recoveries", stage.recoveries or ())
    yield from check_resources(f"{at}.resources", stage.resources)


def _check_references(at: str, stage: StagePlan, known: KnownNames) -> Iterator[Finding]:
    for part, name, there in (
        ("job_type", stage.job_type, known.job_types),
        ("login_setup", stage.login_setup, known.login_setups),
        ("dataset", stage.dataset, known.datasets),
    ):
        if name is not None and part == "login_setup" and name in known.refused_setups:
            yield Finding(f"{at}.loginSetup", known.refused_setups[name])
        elif name is not None and name not in there:
            what = part.replace("_", " ")
            yield Finding(
                f"{at}.{make_camel_case(part)}",
                f"The experiment has no active {what} {name[:100]!r}.",
            )


def _check_numbers(at: str, stage: StagePlan) -> Iterator[Finding]:
    yield from check_range(f"{at}.completionPct", stage.completion_pct, 0, 100)
    depth = stage.output_ancestor_depth
    yield from check_range(f"{at}.outputAncestorDepth", depth, 1, MOST_GENERATIONS)
    yield from check_range(f"{at}.deadlineS", stage.deadline_s, 1, MOST_DEADLINE_S)
    yield from check_range(f"{at}.filesPerJob", stage.files_per_job, 1, MOST_PER_JOB)
    yield from check_range(f"{at}.bytesPerJob", stage.bytes_per_job, 1, MOST_BYTES)
    yield from check_range(f"{at}.jobsPerSlice", stage.jobs_per_slice, 1, MOST_PER_JOB)
    yield from check_range(f"{at}.eventsPerJob", stage.events_per_job, 1, MOST_EVENTS)
    yield from check_range(f"{at}.mostUnfinished", stage.most_unfinished, 1, MOST_UNFINISHED)
    yield from check_range(f"{at}.mostJobs", stage.most_jobs, 1, MOST_JOBS)


def _check_work(at: str, stage: StagePlan, *, fed: bool) -> Iterator[Finding]:
    generates = stage.generates(fed=fed)
    yield from _check_split(f"{at}.split", stage.split, generates=generates)
    if stage.test_split is not None:
        yield from _check_split(f"{at}.testSplit", stage.test_split, generates=generates)
    if stage.kind is StageKind.GENERATOR and stage.dataset is not None:
        yield Finding(f"{at}.dataset", "A generator works on no dataset: leave it out.")
    yield from _check_bounds(at, stage, generates=generates)
    yield from _check_join(at, stage, fed=fed)
    yield from _check_parameter_lists(at, stage)


def _check_own_work(at: str, stage: StagePlan, known: KnownNames) -> Iterator[Finding]:
    """Only a launch script takes the name of either: its own work by hand, and what launches it as a dataset's name."""
    if stage.has_own_work and stage.job_type not in known.scripts:
        what = "dataset" if stage.dataset is not None else "split"
        said = (
            "A stage that depends on others works on what they make, unless it is a launch script"
        )
        yield Finding(f"{at}.{what}", f"{said}: leave the {what} out.")


def _check_join(at: str, stage: StagePlan, *, fed: bool) -> Iterator[Finding]:
    """What joins has something to join, in its tests as well."""
    joins = find_join_key(stage.split) is not None
    if joins and not fed:
        yield Finding(f"{at}.split", "joined joins what stages upstream make: add dependencies.")
    if stage.test_split is not None and (joins or find_join_key(stage.test_split) is not None):
        said = "Tests of a stage that joins join as well, and others don't: leave testSplit out."
        yield Finding(f"{at}.testSplit", said)


def _check_bounds(at: str, stage: StagePlan, *, generates: bool) -> Iterator[Finding]:
    """What bounds the files of one job bounds something."""
    if generates:
        if stage.bytes_per_job is not None:
            yield Finding(f"{at}.bytesPerJob", "A generator's jobs have no files: leave it out.")
    elif stage.files_per_job == 1:
        for name in ("bytes_per_job", "events_per_job"):
            if getattr(stage, name) is not None:
                said = "Each job gets one file: set filesPerJob to the most that one may get."
                yield Finding(f"{at}.{make_camel_case(name)}", said)


def _check_split(path: str, text: str, *, generates: bool) -> Iterator[Finding]:
    if said := check_text(text, 1_000):
        yield Finding(path, said)
        return
    try:
        split = parse_split(text)
    except SplitError as error:
        yield Finding(path, f"{error.message} (at character {error.position + 1})")
        return
    if not (split.kind.for_generators if generates else split.kind.for_files):
        kind = "without a dataset" if generates else "that works on files"
        yield Finding(path, f"The split {split.name!r} is not for a stage {kind}.")


def _check_parameter_lists(at: str, stage: StagePlan) -> Iterator[Finding]:
    path, lists = f"{at}.parameterLists", stage.parameter_lists
    names = {
        text.partition("(")[0].strip().lower() for text in (stage.split, stage.test_split or "")
    }
    if "multiparam" in names and not lists:
        yield Finding(path, "multiparam combines the values of parameter lists: give one or more.")
    if "list" in names and (len(lists) != 1 or not parse_list(lists[:1])):
        yield Finding(path, "list goes through the values of one parameter list: give just one.")
    yield from check_length(path, stage.parameter_lists, MOST_LISTS)
    for n, values in enumerate(stage.parameter_lists[:MOST_LISTS]):
        yield from make_finding(f"{path}[{n}]", None if values else "A parameter list has a value.")
        yield from check_length(f"{path}[{n}]", values, MOST_VALUES)
        said = (check_text(value, MOST_WORD) for value in values[:MOST_VALUES])
        yield from make_finding(f"{path}[{n}]", next(filter(None, said), None))


def _check_dependencies(plan: CampaignPlan) -> Iterator[Finding]:
    seen = set[tuple[str, str]]()
    for n, edge in enumerate(plan.dependencies):
        at = f"dependencies[{n}]"
        if (edge.upstream, edge.downstream) in seen:
            yield Finding(at, "These two stages have a dependency already: add the patterns there.")
        seen.add((edge.upstream, edge.downstream))
        yield from findings.check_patterns(f"{at}.patterns", edge.patterns, like=True)


def find_loop(edges: Sequence[PlanEdge]) -> list[str] | None:
    """The stages of a loop in their order, if there is one; a stage's edge to itself is none."""
    onward: dict[str, list[str]] = {}
    for edge in edges:
        if edge.upstream != edge.downstream:
            onward.setdefault(edge.upstream, []).append(edge.downstream)
    done: set[str] = set()
    for start in onward:
        way: list[str] = [start]
        left = [iter(onward[start])]
        while left:
            name = next(left[-1], None)
            if name is None:
                done.add(way.pop())
                left.pop()
            elif name in way:
                return way[way.index(name) :]
            elif name not in done:
                way.append(name)
                left.append(iter(onward.get(name, ())))
    return None
