"""What is wrong with a campaign as somebody wants it saved."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from domain import batch_options, findings
from domain.batch_options import BatchOptions
from domain.findings import Finding, bounded, camel, doubled, finding, whole
from domain.job_types import wrong_for_scripts
from domain.joins import joined_by
from domain.lineage import MOST_GENERATIONS
from domain.names import MOST_WORD, SLUG, VARIABLE, wrong_form, wrong_name, wrong_text
from domain.plans import Edge, Plan, StagePlan
from domain.splits import SplitError, listed, parse
from domain.stages import StageKind

MOST_STAGES, MOST_DEPENDENCIES = 200, 1_000
MOST_LISTS, MOST_VALUES = 20, 1_000
MOST_DEADLINE_S = 366 * 86400
MOST_PER_JOB, MOST_EVENTS = 100_000, 1_000_000_000
MOST_UNFINISHED, MOST_JOBS = 100_000, 10_000_000
MOST_BYTES = 10**15
MOST_TAGS, MOST_TAG = 20, 50


@dataclass(frozen=True, slots=True)
class Known:
    """The names that are there in the experiment."""

    job_types: Collection[str] = ()
    login_setups: Collection[str] = ()
    datasets: Collection[str] = ()
    scripts: Collection[str] = ()
    """Those of the job types that are launch scripts."""


def problems(plan: Plan, known: Known) -> list[Finding]:
    """Everything that is wrong with a campaign."""
    return [
        *_whole_campaign(plan),
        *(f for n, stage in enumerate(plan.stages) for f in _stage(n, stage, plan.fed, known)),
        *_dependencies(plan),
    ]


def wrong_tags(tags: Sequence[str]) -> str | None:
    """What is wrong with the tags of a campaign, or nothing."""
    if len(tags) > MOST_TAGS:
        return f"A campaign has at most {MOST_TAGS} tags, these are {len(tags)}."
    if long := next((tag for tag in tags if len(tag) > MOST_TAG), None):
        return f"A tag has at most {MOST_TAG} characters, {long[:20]!r}… has {len(long)}."
    return next((said for tag in tags if (said := wrong_name(tag))), None)


def _whole_campaign(plan: Plan) -> Iterator[Finding]:
    yield from finding("name", wrong_name(plan.name))
    yield from finding("description", wrong_text(plan.description))
    yield from findings.pairs("defaults.parameters", plan.parameters)
    yield from findings.pairs("defaults.keywords", plan.keywords)
    yield from doubled("defaults.keywords[{}].key", (key for key, _ in plan.keywords))
    for n, (key, _) in enumerate(plan.keywords[: findings.MOST_PAIRS]):
        yield from finding(f"defaults.keywords[{n}].key", wrong_form(key, VARIABLE, "detector"))
    if not plan.stages:
        yield Finding("stages", "A campaign has at least one stage.")
    yield from doubled("stages[{}].name", (stage.name for stage in plan.stages))


def _stage(n: int, stage: StagePlan, fed: Collection[str], known: Known) -> Iterator[Finding]:
    at = f"stages[{n}]"
    yield from finding(f"{at}.name", wrong_name(stage.name))
    yield from _references(at, stage, known)
    yield from _work(at, stage, fed=stage.name in fed)
    yield from _numbers(at, stage)
    yield from finding(f"{at}.softwareVersion", wrong_text(stage.software_version, 200))
    yield from finding(f"{at}.batchSystem", wrong_form(stage.batch_system, SLUG, "local"))
    if stage.job_type in known.scripts:
        yield from finding(f"{at}.batchSystem", wrong_for_scripts(stage.batch_system))
    yield from batch_options.problems(f"{at}.batchOptions", BatchOptions.of(stage.batch_options))
    yield from findings.pairs(f"{at}.parameters", stage.parameters)
    yield from findings.pairs(f"{at}.testParameters", stage.test_parameters)
    yield from findings.recoveries(f"{at}.recoveries", stage.recoveries or ())
    yield from findings.resources(f"{at}.resources", stage.resources)


def _references(at: str, stage: StagePlan, known: Known) -> Iterator[Finding]:
    for part, name, there in (
        ("job_type", stage.job_type, known.job_types),
        ("login_setup", stage.login_setup, known.login_setups),
        ("dataset", stage.dataset, known.datasets),
    ):
        if name is not None and name not in there:
            what = part.replace("_", " ")
            yield Finding(
                f"{at}.{camel(part)}", f"The experiment has no active {what} {name[:100]!r}."
            )


def _numbers(at: str, stage: StagePlan) -> Iterator[Finding]:
    yield from whole(f"{at}.completionPct", stage.completion_pct, 0, 100)
    depth = stage.output_ancestor_depth
    yield from whole(f"{at}.outputAncestorDepth", depth, 1, MOST_GENERATIONS)
    yield from whole(f"{at}.deadlineS", stage.deadline_s, 1, MOST_DEADLINE_S)
    yield from whole(f"{at}.filesPerJob", stage.files_per_job, 1, MOST_PER_JOB)
    yield from whole(f"{at}.bytesPerJob", stage.bytes_per_job, 1, MOST_BYTES)
    yield from whole(f"{at}.jobsPerSlice", stage.jobs_per_slice, 1, MOST_PER_JOB)
    yield from whole(f"{at}.eventsPerJob", stage.events_per_job, 1, MOST_EVENTS)
    yield from whole(f"{at}.mostUnfinished", stage.most_unfinished, 1, MOST_UNFINISHED)
    yield from whole(f"{at}.mostJobs", stage.most_jobs, 1, MOST_JOBS)


def _work(at: str, stage: StagePlan, *, fed: bool) -> Iterator[Finding]:
    generates = stage.generates(fed=fed)
    yield from _split(f"{at}.split", stage.split, generates=generates)
    if stage.test_split is not None:
        yield from _split(f"{at}.testSplit", stage.test_split, generates=generates)
    if stage.kind is StageKind.REGULAR and stage.dataset is None and not fed:
        yield Finding(
            f"{at}.dataset",
            "A regular stage needs something to work on: a dataset, or a stage upstream.",
        )
    if fed and stage.dataset is not None:
        yield Finding(
            f"{at}.dataset",
            "A stage that depends on others works on what they make: leave the dataset out.",
        )
    if stage.kind is StageKind.GENERATOR and stage.dataset is not None:
        yield Finding(f"{at}.dataset", "A generator works on no dataset: leave it out.")
    yield from _bounds(at, stage, generates=generates)
    yield from _join(at, stage, fed=fed)
    yield from _parameter_lists(at, stage)


def _join(at: str, stage: StagePlan, *, fed: bool) -> Iterator[Finding]:
    """What joins has something to join, in its tests as well."""
    joins = joined_by(stage.split) is not None
    if joins and not fed:
        yield Finding(f"{at}.split", "joined joins what stages upstream make: add dependencies.")
    if stage.test_split is not None and (joins or joined_by(stage.test_split) is not None):
        said = "Tests of a stage that joins join as well, and others don't: leave testSplit out."
        yield Finding(f"{at}.testSplit", said)


def _bounds(at: str, stage: StagePlan, *, generates: bool) -> Iterator[Finding]:
    """What bounds the files of one job bounds something."""
    if generates:
        if stage.bytes_per_job is not None:
            yield Finding(f"{at}.bytesPerJob", "A generator's jobs have no files: leave it out.")
    elif stage.files_per_job == 1:
        for name in ("bytes_per_job", "events_per_job"):
            if getattr(stage, name) is not None:
                said = "Each job gets one file: set filesPerJob to the most that one may get."
                yield Finding(f"{at}.{camel(name)}", said)


def _split(path: str, text: str, *, generates: bool) -> Iterator[Finding]:
    if said := wrong_text(text, 1_000):
        yield Finding(path, said)
        return
    try:
        split = parse(text)
    except SplitError as error:
        yield Finding(path, f"{error.message} (at character {error.position + 1})")
        return
    if not (split.kind.for_generators if generates else split.kind.for_files):
        kind = "generator" if generates else "stage that works on files"
        yield Finding(path, f"The split {split.name!r} is not for a {kind}.")


def _parameter_lists(at: str, stage: StagePlan) -> Iterator[Finding]:
    path, lists = f"{at}.parameterLists", stage.parameter_lists
    names = {
        text.partition("(")[0].strip().lower() for text in (stage.split, stage.test_split or "")
    }
    if "multiparam" in names and not lists:
        yield Finding(path, "multiparam combines the values of parameter lists: give one or more.")
    if "list" in names and (len(lists) != 1 or not listed(lists[:1])):
        yield Finding(path, "list goes through the values of one parameter list: give just one.")
    yield from bounded(path, stage.parameter_lists, MOST_LISTS)
    for n, values in enumerate(stage.parameter_lists[:MOST_LISTS]):
        yield from finding(f"{path}[{n}]", None if values else "A parameter list has a value.")
        yield from bounded(f"{path}[{n}]", values, MOST_VALUES)
        said = (wrong_text(value, MOST_WORD) for value in values[:MOST_VALUES])
        yield from finding(f"{path}[{n}]", next(filter(None, said), None))


def _dependencies(plan: Plan) -> Iterator[Finding]:
    names = {stage.name for stage in plan.stages}
    seen = set[tuple[str, str]]()
    for n, edge in enumerate(plan.dependencies):
        at = f"dependencies[{n}]"
        for part, name in (("upstream", edge.upstream), ("downstream", edge.downstream)):
            if name not in names:
                yield Finding(f"{at}.{part}", f"The campaign has no stage {name[:100]!r}.")
        if (edge.upstream, edge.downstream) in seen:
            yield Finding(at, "These two stages have a dependency already: add the patterns there.")
        seen.add((edge.upstream, edge.downstream))
        yield from findings.patterns(f"{at}.patterns", edge.patterns, like=True)
    if found := loop(plan.dependencies):
        way = " → ".join(name[:100] for name in [*found, found[0]])
        yield Finding("dependencies", f"The stages launch each other in a loop: {way}.")


def loop(edges: Sequence[Edge]) -> list[str] | None:
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
