"""Parameters: what is put over what, and what the command line becomes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.launching.environment import LaunchSubject, build_launch_environment
from domain.setup.parameters import (
    CommandError,
    ParameterOrigin,
    ParameterPairs,
    ResolvedParameter,
    UnknownKeyword,
    expand_early,
    expand_keywords,
    fill_words,
    resolve_layers,
)

PAIRS = st.lists(
    st.tuples(st.sampled_from(["-a=", "-b=", "-c=", "--d "]), st.text(max_size=3)), max_size=6
)
LAYERS = st.lists(st.builds(ParameterPairs, st.sampled_from(ParameterOrigin), PAIRS), max_size=6)


def make_layers(**pairs: list[tuple[str, str]]) -> list[ParameterPairs]:
    return [
        ParameterPairs(ParameterOrigin(name.rstrip("_")), found) for name, found in pairs.items()
    ]


def test_a_later_layer_changes_a_value_where_its_key_stands() -> None:
    found = resolve_layers(
        make_layers(
            job_type=[("-c=", "a.cfg"), ("-n=", "1")],
            campaign=[("-m=", "2GB")],
            stage=[("-n=", "5"), ("-x=", "y")],
        )
    )
    assert [(one.key, one.value, one.origin) for one in found] == [
        ("-c=", "a.cfg", ParameterOrigin.JOB_TYPE),
        ("-n=", "5", ParameterOrigin.STAGE),
        ("-m=", "2GB", ParameterOrigin.CAMPAIGN),
        ("-x=", "y", ParameterOrigin.STAGE),
    ]
    assert found[1].instead_of == (ResolvedParameter("-n=", "1", ParameterOrigin.JOB_TYPE),)


def test_a_recovery_wins_over_a_test_and_keeps_its_place_before_it() -> None:
    found = resolve_layers(
        make_layers(
            stage=[("-m=", "1GB")],
            recovery=[("-m=", "8GB"), ("-r=", "1")],
            test=[("-t=", "1"), ("-m=", "2GB")],
            recovery_=[("-m=", "8GB"), ("-r=", "1")],
        )
    )
    assert [(one.key, one.value, one.origin) for one in found] == [
        ("-m=", "8GB", ParameterOrigin.RECOVERY),
        ("-r=", "1", ParameterOrigin.RECOVERY),
        ("-t=", "1", ParameterOrigin.TEST),
    ]
    assert [(one.value, one.origin) for one in found[0].instead_of] == [
        ("1GB", ParameterOrigin.STAGE),
        ("2GB", ParameterOrigin.TEST),
    ]
    assert found[1].instead_of == ()


def test_of_a_key_that_is_repeated_in_a_list_the_last_value_stands_in_the_first_place() -> None:
    pairs = [("-e=", "A"), ("-f=", "B"), ("-e=", "C")]
    assert [one.value for one in resolve_layers(make_layers(stage=pairs))] == ["C", "B"]
    over = resolve_layers(make_layers(stage=pairs, test=[("-e=", "D")]))
    assert [one.value for one in over] == ["D", "B"]
    assert [one.value for one in over[0].instead_of] == ["A", "C"]


@given(LAYERS)
def test_of_each_key_the_last_value_is_used_in_the_place_of_the_first(
    given: list[ParameterPairs],
) -> None:
    all_pairs = [(key, value) for layer in given for key, value in layer.pairs]
    found = resolve_layers(given)
    assert [(one.key, one.value) for one in found] == [*dict(all_pairs).items()]
    for one in found:
        last = [layer for layer in given if any(key == one.key for key, _ in layer.pairs)][-1]
        assert one.origin is last.origin
        assert one.origin is not ParameterOrigin.RECOVERY or all(
            old.origin is not one.origin for old in one.instead_of
        )


def test_two_percent_signs_leave_a_keyword_for_the_program_that_is_launched() -> None:
    keywords = {"dataset": "raw; rm -rf /", "pot": "5e18"}
    assert expand_keywords("-D %%(dataset)s %(pot)s 100%% %.root %(x) %{y}", keywords) == (
        "-D %(dataset)s 5e18 100% %.root %(x) %{y}"
    )
    with pytest.raises(UnknownKeyword, match="'nothing'"):
        expand_keywords("%(nothing)s", keywords)
    found = resolve_layers(make_layers(stage=[("--dataset=", "%(dataset)s")]))
    words = fill_words(["run"], found, lambda text: expand_keywords(text, keywords), as_shell=False)
    assert words == ["run", "--dataset=raw; rm -rf /"]


WORDS: list[tuple[list[tuple[str, str]], list[str]]] = [
    ([("--stage ", "gen")], ["--stage", "gen"]),
    ([("--stage=", "gen"), ("-N ", "5")], ["--stage=gen", "-N", "5"]),
    ([("-c ", "$UPLOADS/x.cfg")], ["-c", "$UPLOADS/x.cfg"]),
    ([("\\(spec\\)", " ")], ["(spec)"]),
    ([("-O", "'a b' c\"d\"")], ["-Oa b", "cd"]),
    ([("-x", ""), ("", "")], ["-x"]),
    ([("-D ", "%(dataset)s"), ("-l ", "%%(user)s")], ["-D", "raw", "v1", "-l", "%(user)s"]),
    ([("-n=", "$(id); `id` > x & *")], ["-n=$(id);", "`id`", ">", "x", "&", "*"]),
]


@pytest.mark.parametrize(("pairs", "words"), WORDS)
def test_the_words_of_a_launch_script_are_those_that_a_shell_would_split(
    pairs: list[tuple[str, str]], words: list[str]
) -> None:
    found = resolve_layers(make_layers(job_type=pairs))
    keywords = {"dataset": "raw v1"}
    program = ["fife_launch", "-c x"]
    made = fill_words(program, found, lambda text: expand_keywords(text, keywords), as_shell=True)
    assert made == [*program, *words]


def test_what_can_not_be_split_says_why() -> None:
    found = resolve_layers(make_layers(job_type=[("-O", "'a")]))
    with pytest.raises(CommandError, match=r"No closing quotation.*-O'a"):
        fill_words([], found, str, as_shell=True)


def test_jobs_find_the_names_that_poms_gives_them() -> None:
    launched = LaunchSubject(
        experiment="hypot", campaign_id=3, campaign="spring mc", stage_id=4, stage="reco 1", job_type_id=5,
        kind="regular", version="v1", dataset="raw_slice1_stage4", submission_id=7, parent_id=6,
        launcher="anna", is_test=True,
    )  # fmt: skip
    found = build_launch_environment(launched)
    assert {name: found[name] for name in found if name.startswith("POMS4_")} == {
        "POMS4_CAMPAIGN_STAGE_ID": "4",
        "POMS4_CAMPAIGN_STAGE_NAME": "reco_1",
        "POMS4_CAMPAIGN_STAGE_TYPE": "regular",
        "POMS4_CAMPAIGN_ID": "3",
        "POMS4_CAMPAIGN_NAME": "spring_mc",
        "POMS4_SUBMISSION_ID": "7",
        "POMS4_TEST_LAUNCH": "True",
    }
    older = {
        "CAMPAIGN_ID": "4", "CAMPAIGN_NAME": "spring_mc__reco_1", "TASK_DEFINITION_ID": "5", "PARENT_TASK_ID": "6",
        "TASK_ID": "7", "LAUNCHER": "anna", "TEST": "",
    }  # fmt: skip
    assert {name: found[f"POMS_{name}"] for name in older} == older
    assert found["POMS_DATASET"] == "raw_slice1_stage4"
    assert found["JOBSUB_GROUP"] == found["GROUP"] == "hypot"
    assert (
        build_launch_environment(replace(launched, is_test=False))["POMS4_TEST_LAUNCH"] == "False"
    )


@given(st.text(alphabet="%()ps xsubmion", max_size=40).map(lambda t: t.replace("ps", "%(pot)s")))
def test_a_late_keyword_is_filled_in_as_if_it_had_been_known(text: str) -> None:
    text = text.replace("ub", "%(submission)s")
    now, late = {"pot": "5%(submission)s%%"}, {"submission": "7%"}
    try:
        at_once = expand_keywords(text, now | late)
    except UnknownKeyword:
        return
    assert expand_keywords(expand_early(text, now, late), late) == at_once
