"""What a campaign may be: every mistake is found, where it is, at once."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.campaigns import (
    KnownNames,
    check_campaign,
    check_stages_exist,
    describe_loop,
    find_loop,
)
from domain.campaigns.plans import (
    CampaignPlan,
    PlanEdge,
    StagePlan,
    must_restart,
    must_restart_tests,
)
from domain.campaigns.stages import StageKind, TriggerKind
from domain.names import check_name, check_pattern, check_text

KNOWN = KnownNames({"reco"}, {"here"}, {"raw"})


def make_stage_plan(name: str = "a", **more: Any) -> StagePlan:
    return StagePlan(
        **{"name": name, "job_type": "reco", "login_setup": "here", "dataset": "raw", **more}
    )


def list_finding_paths(plan: CampaignPlan) -> list[str]:
    return [finding.path for finding in check_campaign(plan, KNOWN)]


def list_wrong_paths(**change: Any) -> list[str]:
    return [
        path.removeprefix("stages[0].")
        for path in list_finding_paths(CampaignPlan(name="c", stages=[make_stage_plan(**change)]))
    ]


def test_a_sound_campaign_has_no_findings() -> None:
    plan = CampaignPlan(
        name="c",
        stages=[
            make_stage_plan("gen", kind=StageKind.GENERATOR, dataset=None),
            make_stage_plan("b", dataset=None, split="nfiles(3)"),
            make_stage_plan("c", kind=StageKind.APPROVAL, dataset=None),
        ],
        dependencies=[PlanEdge("gen", "b", ["*.root"]), PlanEdge("b", "b"), PlanEdge("b", "c")],
    )
    assert list_finding_paths(plan) == []


@pytest.mark.parametrize("percentage", [-1, 101, 500])
def test_a_percentage_is_one(percentage: int) -> None:
    assert list_wrong_paths(completion_pct=percentage) == ["completionPct"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("files_per_job", 0),
        ("files_per_job", 100_001),
        ("jobs_per_slice", 0),
        ("most_unfinished", 0),
        ("batch_system", "; rm"),
        ("software_version", "x" * 201),
    ],
)
def test_bounds_are_kept(field: str, value: Any) -> None:
    first, *rest = field.split("_")
    assert list_wrong_paths(**{field: value}) == [first + "".join(map(str.title, rest))]


def test_a_stage_that_joins_has_something_to_join_and_so_have_its_tests() -> None:
    def found(**more: Any) -> list[str]:
        stages = [
            make_stage_plan("a"),
            make_stage_plan("b"),
            make_stage_plan("m", dataset=None, split="joined(number)", **more),
        ]
        return list_finding_paths(
            CampaignPlan(
                name="c", stages=stages, dependencies=[PlanEdge("a", "m"), PlanEdge("b", "m")]
            )
        )

    assert found() == []
    assert found(test_split="nfiles(1)") == ["stages[2].testSplit"]
    assert list_wrong_paths(split="joined") == ["split"]
    assert list_wrong_paths(split="joined(by=colour)") == ["split"]
    assert list_wrong_paths(test_split="joined") == ["testSplit"]


def test_dependencies_of_a_stage_that_joins_trigger_together() -> None:
    plan = CampaignPlan(
        name="c",
        stages=[make_stage_plan("a"), make_stage_plan("m", split="joined")],
        dependencies=[PlanEdge("a", "m"), PlanEdge("m", "m"), PlanEdge("a", "a")],
    )
    assert [plan.trigger(edge) for edge in plan.dependencies] == [
        TriggerKind.JOIN, TriggerKind.PER_PARENT, TriggerKind.PER_PARENT
    ]  # fmt: skip


def test_revisions_from_before_files_had_bounds_of_events_are_read_as_they_were() -> None:
    plan = CampaignPlan(
        name="c",
        stages=[
            make_stage_plan("a", events_per_job=7, files_per_job=9),
            make_stage_plan("g", kind=StageKind.GENERATOR, events_per_job=7),
        ],
    )
    assert [each.events_per_job for each in CampaignPlan.of(plan.body).stages] == [7, 7]
    old = plan.body
    for body in old["stages"]:
        del body["bytes_per_job"]
    assert [each.events_per_job for each in CampaignPlan.of(old).stages] == [None, 7]


def test_bounds_of_a_job_bound_something() -> None:
    assert list_wrong_paths(bytes_per_job=5) == ["bytesPerJob"]
    assert list_wrong_paths(events_per_job=5) == ["eventsPerJob"]
    assert list_wrong_paths(bytes_per_job=5, events_per_job=5, files_per_job=2) == []
    assert list_wrong_paths(bytes_per_job=0, files_per_job=2) == ["bytesPerJob"]
    assert list_wrong_paths(events_per_job=0, files_per_job=2) == ["eventsPerJob"]
    made = {"kind": StageKind.GENERATOR, "dataset": None}
    assert list_wrong_paths(bytes_per_job=5, files_per_job=2, **made) == ["bytesPerJob"]
    assert list_wrong_paths(events_per_job=5, **made) == []


@pytest.mark.parametrize("split", ["nfiles", "nfiles(x)", "nfiles(0)", "huh(1)", "nfiles(1", "a\0"])
def test_a_split_that_can_not_be_read_is_found(split: str) -> None:
    assert list_wrong_paths(split=split) == ["split"]
    assert list_wrong_paths(test_split=split) == ["testSplit"]


def test_a_split_says_at_which_character_it_is_wrong() -> None:
    (finding,) = check_campaign(
        CampaignPlan(name="c", stages=[make_stage_plan(split="huh(1)")]), KNOWN
    )
    assert "character 1" in finding.message


def test_files_are_not_split_like_parameters() -> None:
    lists = {"parameter_lists": [["a"]]}
    assert list_wrong_paths(split="multiparam", **lists) == ["split"]
    made = {"kind": StageKind.GENERATOR, "dataset": None}
    assert list_wrong_paths(split="nfiles(1)", **made) == ["split"]
    assert list_wrong_paths(split="multiparam", **lists, **made) == []


def test_multiparam_needs_lists_with_values() -> None:
    made = {"kind": StageKind.GENERATOR, "dataset": None, "split": "multiparam"}
    assert list_wrong_paths(**made) == ["parameterLists"]
    assert list_wrong_paths(**made, parameter_lists=[["a"], []]) == ["parameterLists[1]"]


def test_a_stage_without_a_dataset_is_launched_for_its_own_sake_and_a_generator_must_have_none() -> (
    None
):
    assert list_wrong_paths(dataset=None) == []
    assert list_wrong_paths(dataset=None, split="nfiles(1)") == ["split"]
    assert list_wrong_paths(dataset=None, split="list", parameter_lists=[["a", "b"]]) == []
    assert list_wrong_paths(kind=StageKind.GENERATOR) == ["dataset"]
    assert list_wrong_paths(kind=StageKind.TEST, dataset=None) == []


def test_resources_are_known_and_more_than_nothing() -> None:
    found = list_wrong_paths(resources={"cpus": 0, "memory_mb": True, "gpus": 1, "disk_mb": 5})
    assert found == ["resources.cpus", "resources.memoryMb", "resources.gpus"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"requirements": 'OpSysMajorVer >= 9 && regexp("(", TARGET.Name)'}, []),
        ({"requirements": "true) || (true"}, ["requirements"]),
        ({"requirements": 'Name == "x'}, ["requirements"]),
        ({"requirements": "a\nqueue"}, ["requirements"]),
        ({"attributes": [["WantGlidein", "true"], ["wantglidein", "1"]]}, ["attributes[1].name"]),
        ({"attributes": [["Requirements", "true"]]}, ["attributes[0].name"] * 2),
        ({"attributes": [["POMS_GO", "true"]]}, ["attributes[0].name"] * 2),
        (
            {"attributes": [["a b", "[1"]]},
            ["attributes[0].name", "attributes[0].value", "attributes[0].name"],
        ),
        ({"container": "docker://almalinux:9"}, []),
        ({"container": "-v /:/host"}, ["container", "container"]),
        (
            {"partition": "long,short", "account": "dune", "qos": "normal"},
            ["partition", "account", "qos"],
        ),
        (
            {"partition": "--wrap", "account": "a b", "qos": "$x"},
            ["partition", "account", "qos"] * 2,
        ),
    ],
)
def test_what_is_asked_of_the_batch_system_is_well_formed(
    options: dict[str, Any], found: list[str]
) -> None:
    assert list_wrong_paths(batch_options=options) == [f"batchOptions.{path}" for path in found]


def test_recoveries_are_of_known_kinds() -> None:
    assert list_wrong_paths(recoveries=[{"type": "none"}]) == ["recoveries"]
    assert list_wrong_paths(recoveries=[]) == []


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ("ab bc", None),
        ("aa bb ab", None),
        ("ab ac bd cd", None),
        ("ab ba", ["a", "b"]),
        ("xa ab bc cb", ["b", "c"]),
        ("ab bc cd da", ["a", "b", "c", "d"]),
    ],
)
def test_a_loop_is_named_and_an_edge_to_itself_is_none(edges: str, found: list[str] | None) -> None:
    assert find_loop([PlanEdge(e[0], e[1]) for e in edges.split()]) == found


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_a_loop_is_found_exactly_when_stages_can_not_be_put_in_order(
    pairs: list[tuple[int, int]],
) -> None:
    edges = [PlanEdge(str(a), str(b)) for a, b in pairs]
    left = {(a, b) for a, b in pairs if a != b}
    while left:
        last = {b for _, b in left} - {a for a, _ in left}
        fewer = {(a, b) for a, b in left if b not in last}
        if fewer == left:
            break
        left = fewer
    found = find_loop(edges)
    assert (found is not None) == bool(left)
    if found:
        there = {(e.upstream, e.downstream) for e in edges}
        assert all(pair in there for pair in zip(found, [*found[1:], found[0]], strict=True))


def test_a_chain_as_long_as_a_campaign_may_be_is_walked() -> None:
    names = [str(n) for n in range(200)]
    edges = [PlanEdge(a, b) for a, b in pairwise(names)]
    assert find_loop(edges) is None
    assert find_loop([*edges, PlanEdge("199", "0")]) == names


def test_what_names_a_stage_that_is_not_there_launches_nothing() -> None:
    stages = [make_stage_plan("a"), make_stage_plan("b", dataset=None)]
    edges = [PlanEdge("b", "a"), PlanEdge("gone", "b"), PlanEdge("b", "gone"), PlanEdge("b", "b")]
    plan = CampaignPlan(name="c", stages=stages, dependencies=edges)
    assert plan.whole_dependencies == [edges[0], edges[3]]
    assert [*plan.launched_by_others] == ["a"]
    assert not plan.fed
    assert not list(describe_loop(plan))
    found = [finding.path for finding in check_stages_exist(plan)]
    assert found == ["dependencies[1].upstream", "dependencies[2].downstream"]


def test_only_a_launch_script_has_work_of_its_own_besides_what_launches_it() -> None:
    for more, path in (
        ({"dataset": "raw"}, "stages[1].dataset"),
        ({"dataset": None, "split": "list", "parameter_lists": [["x"]]}, "stages[1].split"),
    ):
        b = make_stage_plan("b", batch_system="schedd", **more)
        plan = CampaignPlan(
            name="c", stages=[make_stage_plan("a"), b], dependencies=[PlanEdge("a", "b")]
        )
        assert list_finding_paths(plan) == [path]
        known = KnownNames({"reco"}, {"here"}, {"raw"}, {"reco"})
        assert [f.path for f in check_campaign(plan, known)] == ["stages[0].batchSystem"]


def test_every_mistake_is_found_at_once() -> None:
    plan = CampaignPlan(
        name="",
        description="x" * 10_001,
        parameters=[["", ""]],
        keywords=[["1x", "y"], ["a", "b"], ["a", "c"]],
        stages=[
            make_stage_plan("a", job_type="none"),
            make_stage_plan("a", login_setup="none"),
            make_stage_plan("b", dataset="none"),
        ],
        dependencies=[PlanEdge("a", "z"), PlanEdge("a", "b", ["", "x"]), PlanEdge("a", "b")],
    )
    assert [finding.path for finding in check_stages_exist(plan)] == ["dependencies[0].downstream"]
    assert set(list_finding_paths(plan)) == {
        "name",
        "description",
        "defaults.parameters[0]",
        "defaults.keywords[0].key",
        "defaults.keywords[2].key",
        "stages[1].name",
        "stages[0].jobType",
        "stages[1].loginSetup",
        "stages[2].dataset",
        "dependencies[1].patterns[0]",
        "dependencies[2]",
    }


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_breaks_the_check(name: str, split: str) -> None:
    plan = CampaignPlan(
        name=name,
        stages=[make_stage_plan(name, split=split, parameters=[[name, split]])],
        dependencies=[PlanEdge(name, split, [name])],
    )
    for finding in check_campaign(plan, KNOWN):
        assert finding.path
        assert finding.message


@pytest.mark.parametrize("name", ["a", "a b", "é中", "$(x)`;|&", "a.b-c_d/e"])
def test_names_are_visible_text(name: str) -> None:
    assert check_name(name) is None


@pytest.mark.parametrize(
    "name", ["", " a", "a\n", "a\0", "a\u202eb", "a\u200b", "x" * 101, "\ud800", "e\u0301"]
)
def test_names_hide_nothing(name: str) -> None:
    assert check_name(name)


@pytest.mark.parametrize("pattern", ["*", "*.root", "[a-c]?", "[]]x", "[!]]x", "[[]", "a]b", "%s"])
def test_globs_are_patterns(pattern: str) -> None:
    assert check_pattern(pattern) is None


@pytest.mark.parametrize("pattern", ["", "a/b", "[a", "[]", "[!]", "x[", "a\n", "x" * 201])
def test_what_is_no_glob_is_found(pattern: str) -> None:
    assert check_pattern(pattern)


def test_texts_may_hold_anything_that_can_be_kept() -> None:
    assert check_text("$(rm -rf /);\n\t'\"\\ \u202e") is None
    assert check_text("a\0b")
    assert check_text("\udfff")


def test_work_begins_anew_only_where_the_cursor_says_nothing_any_more() -> None:
    files = make_stage_plan()
    makes = replace(files, kind=StageKind.GENERATOR, dataset=None)
    assert must_restart(files, ["dataset"])
    assert must_restart(files, ["kind"])
    assert not must_restart(files, ["split", "jobs_per_slice", "parameters"])
    for before, now, again in (
        ("nfiles(2)", "nfiles(3)", False),
        ("nfiles(2)", "drainingn(3)", False),
        ("nfiles(2)", "byrun()", True),
        ("byrun(1, 9)", "byrun(1, 99)", False),
        ("mod(3)", "stride( 3 )", False),
        ("mod(3)", "mod(4)", True),
        ("new(window=1d)", "new_local(window=1w)", False),
        ("byexistingruns", "BYEXISTINGRUNS()", False),
        ("nosuch", "none", True),
    ):
        assert must_restart(replace(files, split=now), ["split"], before) is again, (before, now)
    tests = replace(files, split="nfiles(2)", test_split="limitn(1)")
    assert not must_restart(tests, ["test_split"], "nfiles(2)")
    assert must_restart_tests(tests, ["test_split"], "nfiles(2)")
    assert not must_restart_tests(tests, ["test_split"], "limitn(5)")
    assert must_restart(makes, ["jobs_per_slice"])
    assert must_restart(makes, ["parameter_lists"])
    fed = replace(files, dataset=None, split="nfiles(3)")
    assert not must_restart(fed, ["split"], "nfiles(2)", fed=True)
    assert must_restart(fed, ["split"], "nfiles(2)")
    assert not must_restart(makes, ["events_per_job", "files_per_job"])
