"""Parameters: what is put over what, and what the command line becomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.environment import Launched, environment
from domain.parameters import Effective, Layer, Origin, UnknownKeyword, command, effective, expand

PAIRS = st.lists(
    st.tuples(st.sampled_from(["-a=", "-b=", "-c=", "--d "]), st.text(max_size=3)), max_size=6
)
LAYERS = st.lists(st.builds(Layer, st.sampled_from(Origin), PAIRS), max_size=6)


def layers(**pairs: list[tuple[str, str]]) -> list[Layer]:
    return [Layer(Origin(name.rstrip("_")), found) for name, found in pairs.items()]


def test_a_later_layer_changes_a_value_where_its_key_stands() -> None:
    found = effective(
        layers(
            job_type=[("-c=", "a.cfg"), ("-n=", "1")],
            campaign=[("-m=", "2GB")],
            stage=[("-n=", "5"), ("-x=", "y")],
        )
    )
    assert [(one.key, one.value, one.origin) for one in found] == [
        ("-c=", "a.cfg", Origin.JOB_TYPE),
        ("-n=", "5", Origin.STAGE),
        ("-m=", "2GB", Origin.CAMPAIGN),
        ("-x=", "y", Origin.STAGE),
    ]
    assert found[1].instead_of == (Effective("-n=", "1", Origin.JOB_TYPE),)


def test_a_recovery_wins_over_a_test_and_keeps_its_place_before_it() -> None:
    found = effective(
        layers(
            stage=[("-m=", "1GB")],
            recovery=[("-m=", "8GB"), ("-r=", "1")],
            test=[("-t=", "1"), ("-m=", "2GB")],
            recovery_=[("-m=", "8GB"), ("-r=", "1")],
        )
    )
    assert [(one.key, one.value, one.origin) for one in found] == [
        ("-m=", "8GB", Origin.RECOVERY),
        ("-r=", "1", Origin.RECOVERY),
        ("-t=", "1", Origin.TEST),
    ]
    assert [(one.value, one.origin) for one in found[0].instead_of] == [
        ("1GB", Origin.STAGE),
        ("2GB", Origin.TEST),
    ]
    assert found[1].instead_of == ()


def test_keys_repeat_within_a_layer_and_are_overridden_together() -> None:
    pairs = [("-e=", "A"), ("-f=", "B"), ("-e=", "C")]
    assert [one.value for one in effective(layers(stage=pairs))] == ["A", "C", "B"]
    over = effective(layers(stage=pairs, test=[("-e=", "D")]))
    assert [one.value for one in over] == ["D", "B"]
    assert [one.value for one in over[0].instead_of] == ["A", "C"]


@given(LAYERS)
def test_of_each_key_the_values_of_the_last_layer_that_has_it_are_used(given: list[Layer]) -> None:
    found = effective(given)
    first = list(dict.fromkeys(key for layer in given for key, _ in layer.pairs))
    assert list(dict.fromkeys(one.key for one in found)) == first
    for key in first:
        last = [layer for layer in given if any(k == key for k, _ in layer.pairs)][-1]
        used = [one for one in found if one.key == key]
        assert [one.value for one in used] == [v for k, v in last.pairs if k == key]
        assert {one.origin for one in used} == {last.origin}
        assert all(old.origin is not last.origin for one in used for old in one.instead_of)


def test_two_percent_signs_leave_a_keyword_for_the_program_that_is_launched() -> None:
    keywords = {"dataset": "raw; rm -rf /", "pot": "5e18"}
    assert expand("-D %%(dataset)s %(pot)s 100%% %.root %(x) %{y}", keywords) == (
        "-D %(dataset)s 5e18 100% %.root %(x) %{y}"
    )
    with pytest.raises(UnknownKeyword, match="'nothing'"):
        expand("%(nothing)s", keywords)
    found = effective(layers(stage=[("--dataset=", "%(dataset)s")]))
    assert command(["run"], found, keywords) == ["run", "--dataset=raw; rm -rf /"]


def test_jobs_find_the_names_that_poms_gives_them() -> None:
    launched = Launched(
        experiment="hypot", campaign_id=3, campaign="mc", stage_id=4, stage="reco", kind="regular",
        version="v1", submission_id=7, parent_id=6, launcher_id=2, is_test=True,
    )  # fmt: skip
    found = environment(launched)
    assert {name: found[name] for name in found if name.startswith("POMS4_")} == {
        "POMS4_CAMPAIGN_STAGE_ID": "4",
        "POMS4_CAMPAIGN_STAGE_NAME": "reco",
        "POMS4_CAMPAIGN_STAGE_TYPE": "regular",
        "POMS4_CAMPAIGN_ID": "3",
        "POMS4_CAMPAIGN_NAME": "mc",
        "POMS4_SUBMISSION_ID": "7",
        "POMS4_TEST_LAUNCH": "1",
    }
    older = ("CAMPAIGN_ID", "CAMPAIGN_NAME", "PARENT_TASK_ID", "TASK_ID", "LAUNCHER", "TEST")
    assert [found[f"POMS_{name}"] for name in older] == ["3", "mc", "6", "7", "2", "1"]
    assert found["JOBSUB_GROUP"] == "hypot"
