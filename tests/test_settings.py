"""What is read from the environment."""

from dataclasses import fields
from pathlib import Path

import pytest

from settings import ScheddSettings, SettingError, Settings

NEEDED = {
    "POMS_DATABASE_URL": "postgres:///x",
    "POMS_REDIS_URL": "redis://x",
    "POMS_SPOOL": "/spool",
    "POMS_STORE": "/store",
}


def read_schedds(**more: str) -> tuple[ScheddSettings, ...]:
    return Settings.from_env({**NEEDED, **more}).htcondor


def test_without_a_collector_there_is_no_htcondor() -> None:
    assert read_schedds() == ()


def test_one_schedd_is_called_htcondor() -> None:
    (one,) = read_schedds(POMS_HTCONDOR_COLLECTOR="pool:9618", POMS_HTCONDOR_TOKENS="/tokens")
    assert one == ScheddSettings(
        "htcondor", "pool:9618", "", Path("/tokens"), None, "", carries=False
    )


def test_several_schedds_have_names_and_settings_of_their_own() -> None:
    near, far = read_schedds(
        POMS_HTCONDOR="near, far-away",
        POMS_HTCONDOR_NEAR_COLLECTOR="pool:9618",
        POMS_HTCONDOR_NEAR_FILE_SYSTEM="example.org",
        POMS_HTCONDOR_FAR_AWAY_COLLECTOR="other:9618",
        POMS_HTCONDOR_FAR_AWAY_SCHEDD="ap2",
        POMS_HTCONDOR_FAR_AWAY_CARRIES="1",
        POMS_HTCONDOR_FAR_AWAY_FEED="query",
        POMS_HTCONDOR_FAR_AWAY_INTERVAL_S="2.5",
    )
    assert near == ScheddSettings("near", "pool:9618", "", None, None, "example.org", carries=False)
    assert far == ScheddSettings(
        "far-away", "other:9618", "ap2", None, None, "", carries=True, feed="query", interval_s=2.5
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"POMS_HTCONDOR": "near"}, "POMS_HTCONDOR_NEAR_COLLECTOR"),
        ({"POMS_HTCONDOR_FEED": "questions"}, "userlog, query"),
        ({"POMS_KEEP_DAYS": "90"}, "POMS_ARCHIVE"),
        ({"POMS_HTCONDOR": "local", "POMS_HTCONDOR_LOCAL_COLLECTOR": "x:1"}, "local"),
    ],
)
def test_what_can_not_be_is_said_at_the_start(given: dict[str, str], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        read_schedds(**given)


@pytest.mark.parametrize(("given", "verifies"), [({}, True), ({"POMS_VERIFY_INPUTS": "0"}, False)])
def test_checksums_of_inputs_are_compared_unless_told_not_to(
    given: dict[str, str], verifies: bool
) -> None:
    assert Settings.from_env(NEEDED | given).verify_inputs is verifies


@pytest.mark.parametrize(
    ("variable", "text", "wanted"),
    [
        ("POMS_SLOTS", "two", "a whole number of at least 0"),
        ("POMS_SLOTS", "-1", "a whole number of at least 0"),
        ("POMS_LEASE_S", "nan", "a number of at least 0"),
        ("POMS_LEASE_S", "10 s", "a number of at least 0"),
        ("POMS_SLURM", "yes", "1 or 0"),
        ("POMS_HTCONDOR_CARRIES", "yes", "1 or 0"),
    ],
)
def test_a_setting_that_is_wrong_is_named_with_what_it_has_to_be(
    variable: str, text: str, wanted: str
) -> None:
    pool = {"POMS_HTCONDOR_COLLECTOR": "127.0.0.1:9618"}
    with pytest.raises(SettingError, match=f"^{variable} is '{text}': make it {wanted}"):
        Settings.from_env(NEEDED | pool | {variable: text})


def test_settings_are_read_by_their_names_and_types() -> None:
    given = {
        "POMS_SLOTS": "3",
        "POMS_LEASE_S": "2.5",
        "POMS_SLURM": "1",
        "POMS_CONTAINERS": "",
        "POMS_LAUNCH_LEASE_S": "",
    }
    found = Settings.from_env(NEEDED | given)
    assert (found.slots, found.lease_s, found.slurm) == (3, 2.5, True)
    assert (found.containers, found.htcondor_attributes) == ("", None)
    assert found.launch_lease_s == 60.0


def test_each_setting_is_in_the_documents() -> None:
    root = Path(__file__).parents[1]
    pages = [root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").glob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    names = [each.name for each in fields(Settings)]
    names += [f"htcondor_{each.name}" for each in fields(ScheddSettings) if each.name != "name"]
    variables = [f"POMS_{name.upper()}" for name in names]
    assert [name for name in variables if f"`{name}`" not in text and f"`{name}=" not in text] == []
