"""What is said of a campaign file: all at once, each with its line, section and key."""

from dataclasses import replace

import pytest

from domain.campaign_file import FileSetup, FindingLevel, There, check, made, read
from domain.campaign_file.keys import LAUNCH_SCRIPT
from domain.campaigns import Known
from domain.job_types import Consumption, JobKind, JobType, LoginSetup

THERE = There(
    experiment="hypot",
    job_types={"fife": JobType(name="fife", command=["fife_launch"], **LAUNCH_SCRIPT)},
    login_setups={"node1": FileSetup(LoginSetup(name="node1"), "node1")},
    active=Known({"fife"}, {"node1"}, {"raw"}),
    hosts={"node1", "node2.example.org"},
)
WRONG = """\
# what a person may write
[campaign]
experiment = other
tag = spring
campaign_stage_list = gen, recon
[campaign_defaults]
vo_role = Production
software_version = v1
login_setup = node1
job_type = fife
completion_type = completed
completion_pct = 500
campaign_keywords = {"pot":
  "5e18", "2x": "y"}

[campaign_stage gen]
stage_type = generator
cs_split_type = multiparam()
dataset_or_split_data = [["a", "b"]
param_overridxqes = []

[campaign_stage reco]
dataset = mine
cs_split_type = nfiles
completion_pct = most
param_overrides = [["--stage=", "reco"], ["-n"]]
job_type = absent

[dependencies reco]
campaign_stage_1 = nowhere
file_pattern_1 = %.root
campaign_stage_2 = gen
file_pattern_2 = run_number 7

[launch_template node2]
host = node3.example.org
account = prod

[job_type fife]
launch_script = other
recoveries = [["no_such", []]]

[job_type spare]
launch_script = setup x; run %(dataset)s

[node_positions]
nxy0 = ["gen", 1, 2]
[ferry]
x = y
"""


def test_all_findings_are_there_at_once_each_with_its_place() -> None:
    found = [
        (f.place.line, f.place.section, f.place.key, f.level.value, f.message.split(":")[0])
        for f in check(read(WRONG), THERE)
    ]
    assert found == [
        (3, "campaign", "experiment", "warning", "The file is of other"),
        (4, "campaign", "tag", "warning", "tag is called name now."),
        (5, "campaign", "campaign_stage_list", "warning", "The list has a stage 'recon' without a section."),
        (5, "campaign", "campaign_stage_list", "warning", "The list leaves out the stage 'reco'."),
        (11, "campaign_defaults", "completion_type", "warning", "completed is called complete now."),
        (12, "campaign_defaults", "completion_pct", "draft", "This is a whole number from 0 to 100, not 500."),
        (13, "campaign_defaults", "campaign_keywords", "draft", "This is written like detector, not '2x'."),
        (19, "campaign_stage gen", "dataset_or_split_data", "draft", "This is not JSON"),
        (19, "campaign_stage gen", "dataset_or_split_data", "draft",
         "multiparam combines the values of parameter lists"),
        (20, "campaign_stage gen", "param_overridxqes", "warning",
         "No such key here"),
        (23, "campaign_stage reco", "dataset", "warning", "dataset is called dataset_or_split_data now."),
        (23, "campaign_stage reco", "dataset_or_split_data", "draft", "The experiment has no active dataset 'mine'."),
        (23, "campaign_stage reco", "dataset_or_split_data", "draft",
         "A stage that depends on others works on what they make"),
        (24, "campaign_stage reco", "cs_split_type", "draft", "nfiles needs n"),
        (25, "campaign_stage reco", "completion_pct", "draft", "This is a whole number, not 'most'."),
        (26, "campaign_stage reco", "param_overrides", "draft", 'A parameter is a pair of two texts, not ["-n"].'),
        (27, "campaign_stage reco", "job_type", "draft", "The experiment has no active job type 'absent'."),
        (30, "dependencies reco", "campaign_stage_1", "draft", "The campaign has no stage 'nowhere'."),
        (33, "dependencies reco", "file_pattern_2", "draft", "A SAM dimension says nothing here"),
        (35, "launch_template node2", "", "warning", "[launch_template …] is called [login_setup …] now."),
        (36, "login_setup node2", "host", "warning", "The experiment has no launch host 'node3.example.org'"),
        (41, "job_type fife", "recoveries", "warning", "Recovery 1"),
        (44, "job_type spare", "launch_script", "warning", "A shell would read what a keyword stands for"),
        (48, "ferry", "", "warning", "No such section here"),
    ]  # fmt: skip


def test_a_sound_file_has_no_findings_and_says_what_it_makes() -> None:
    text = """
[campaign]
name = c
[campaign_stage a]
job_type = new
login_setup = far
dataset_or_split_data = raw
[job_type new]
launch_script = setup x; run -c "a b"
parameters = []
output_file_patterns = %.root, a%
[login_setup far]
host = node2.example.org
account = prod
setup = source a.sh; export B='c;d'
"""
    reading = read(text)
    assert check(reading, THERE) == []
    assert reading.said is not None
    job_types, login_setups = made(reading.said, THERE)
    assert job_types == [
        JobType(
            name="new",
            command=["bash", "-c", 'setup x; run -c "a b" "$@"', "launch"],
            parameters=[],
            patterns=["*.root", "a*"],
            kind=JobKind.SCRIPT,
            consumption=Consumption.EXIT_CODE,
        )
    ]
    assert login_setups[0].setup.setup == ["source a.sh; export B='c;d'"]
    assert not reading.said.plan.stages[0].merge_overrides


def test_what_is_there_already_stays_as_it_is_with_a_warning() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\njob_type = fife\nlogin_setup = node1\n"
    text += "dataset_or_split_data = raw\n[job_type fife]\nlaunch_script = %s\n"
    assert check(read(text % "fife_launch"), THERE) == []
    assert [(f.place.line, f.level) for f in check(read(text % "other"), THERE)] == [
        (7, FindingLevel.WARNING)
    ]
    elsewhere = replace(THERE, job_types={}, active=Known({}, {"node1"}, {"raw"}))
    reading = read(text % "fife_launch")
    assert check(reading, elsewhere) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [(1, "There is no section [campaign].")]),
        ("x = 1", [(1, "The file begins with a section: [campaign].")]),
        ("[campaign]\n[campaign_stage a]", [(1, "A campaign has a name: name = …")]),
        ("[campaign]\nname = a", [(1, "There is no section [campaign_stage …]: a campaign has at least one stage.")]),
        (
            "[campaign]\nname = a\n<<<<<<< HEAD\n[campaign_stage b]\nx = 1\n=======\nx = 2\n[campaign]\n>>>>>>> b",
            [
                (3, "This is neither a section nor a key."),
                (6, "This is neither a section nor a key."),
                (7, "x of [campaign_stage b] is in the file already."),
                (8, "[campaign] is in the file already."),
                (9, "This is neither a section nor a key."),
            ],
        ),
        ("x\n" * 10_001, [(1, "A campaign file has at most 10000 lines.")]),
        (
            "[campaign]\nname = a\n" + "".join(f"[campaign_stage {n}]\n" for n in range(201)),
            [(203, "A campaign has at most 200 stages, this has 201.")],
        ),
        ("\0", [(1, "A text can't contain NUL or half of a surrogate pair.")]),
    ],
)  # fmt: skip
def test_a_file_that_poms_refuses_is_refused(text: str, found: list[tuple[int, str]]) -> None:
    reading = read(text)
    assert reading.said is None
    assert sorted((f.place.line, f.message) for f in reading.findings) == found
    assert {f.level for f in reading.findings} == {FindingLevel.REFUSED}


def test_a_pattern_of_like_stays_one_and_without_a_percent_sign_becomes_a_glob() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\n[campaign_stage b]\n[dependencies b]\n"
    text += "campaign_stage_1 = a\nfile_pattern_1 = %%trig_a%%\ncampaign_stage_2 = a\nfile_pattern_2 = x[1]*\n"
    said = read(text).said
    assert said is not None
    assert [edge.patterns for edge in said.plan.dependencies] == [["%trig_a%", "x[[]1][*]"]]


def test_more_dependencies_than_a_campaign_can_have_are_refused() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\n[dependencies a]\n"
    text += "".join(f"campaign_stage_{n} = b{n}\n" for n in range(1_001))
    [found] = check(read(text), THERE)
    assert (found.place.line, found.level) == (1_005, FindingLevel.REFUSED)


def test_what_our_own_sections_say_wrongly_is_found_there() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\njob_type = fife\nlogin_setup = node1\n"
    text += (
        'dataset_or_split_data = raw\n[poms_campaign]\nkeywords = [["2", "x"]]\n[poms_stage a]\n'
    )
    text += "files_per_job = 0\nresources = [1]\nmost = 3\n[poms_stage b]\nsplit = 1\n"
    assert [(f.place.line, f.place.key, f.level.value) for f in check(read(text), THERE)] == [
        (8, "keywords", "draft"),
        (10, "files_per_job", "draft"),
        (11, "resources", "draft"),
        (12, "most", "warning"),
        (13, "", "warning"),
    ]
