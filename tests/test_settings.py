"""What is read from the environment."""

from pathlib import Path

import pytest

from settings import Schedd, SettingMissing, Settings

NEEDED = {
    "POMS_DATABASE_URL": "postgres:///x",
    "POMS_REDIS_URL": "redis://x",
    "POMS_SECRET": "x" * 40,
    "POMS_SPOOL": "/spool",
    "POMS_STORE": "/store",
}


def schedds(**more: str) -> tuple[Schedd, ...]:
    return Settings.from_env({**NEEDED, **more}).htcondor


def test_without_a_collector_there_is_no_htcondor() -> None:
    assert schedds() == ()


def test_one_schedd_is_called_htcondor() -> None:
    (one,) = schedds(POMS_HTCONDOR_COLLECTOR="pool:9618", POMS_HTCONDOR_TOKENS="/tokens")
    assert one == Schedd("htcondor", "pool:9618", "", Path("/tokens"), None, "", carries=False)


def test_several_schedds_have_names_and_settings_of_their_own() -> None:
    near, far = schedds(
        POMS_HTCONDOR="near, far-away",
        POMS_HTCONDOR_NEAR_COLLECTOR="pool:9618",
        POMS_HTCONDOR_NEAR_FILE_SYSTEM="example.org",
        POMS_HTCONDOR_FAR_AWAY_COLLECTOR="other:9618",
        POMS_HTCONDOR_FAR_AWAY_SCHEDD="ap2",
        POMS_HTCONDOR_FAR_AWAY_CARRIES="1",
        POMS_HTCONDOR_FAR_AWAY_FEED="query",
        POMS_HTCONDOR_FAR_AWAY_INTERVAL_S="2.5",
    )
    assert near == Schedd("near", "pool:9618", "", None, None, "example.org", carries=False)
    assert far == Schedd(
        "far-away", "other:9618", "ap2", None, None, "", carries=True, feed="query", interval_s=2.5
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"POMS_HTCONDOR": "near"}, "POMS_HTCONDOR_NEAR_COLLECTOR"),
        ({"POMS_HTCONDOR_FEED": "questions"}, "userlog, query"),
        ({"POMS_HTCONDOR": "local", "POMS_HTCONDOR_LOCAL_COLLECTOR": "x:1"}, "local"),
    ],
)
def test_what_can_not_be_is_said_at_the_start(given: dict[str, str], says: str) -> None:
    with pytest.raises(SettingMissing, match=says):
        schedds(**given)
