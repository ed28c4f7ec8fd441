"""What is said of a campaign file: all at once, each with its line, section and key."""

from dataclasses import replace

import pytest

from domain.campaigns.campaign_file.checking import HERE, ExistingThings, check_file, select_new
from domain.campaigns.campaign_file.document import FindingLevel
from domain.campaigns.campaign_file.keys import LAUNCH_SCRIPT
from domain.campaigns.campaign_file.reading import FileSetup, read_campaign_file
from domain.campaigns.campaign_file.writing import write_campaign_file
from domain.campaigns.campaigns import KnownNames
from domain.setup.job_types import Consumption, JobKind, JobTypeDefinition, LoginSetupDefinition
from domain.setup.launch_hosts import HostKind
from domain.setup.setup_uses import UsedHost

CONFLICT = "This is the mark of a merge conflict: choose one of the sides, and take the marks out."
ANYONE = {"production": ["*"]}
THERE = ExistingThings(
    experiment="hypot",
    job_types={"fife": JobTypeDefinition(name="fife", command=["fife_launch"], **LAUNCH_SCRIPT)},
    login_setups={"node1": FileSetup(LoginSetupDefinition(name="node1"), "node1")},
    active=KnownNames({"fife"}, {"node1"}, {"raw"}),
    hosts={
        "node1": UsedHost("node1"),
        "node2.example.org": UsedHost("node2", HostKind.SSH, "", ["*"], ANYONE),
    },
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
        for f in check_file(read_campaign_file(WRONG), THERE)
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
        (24, "campaign_stage reco", "cs_split_type", "draft", "nfiles needs n"),
        (25, "campaign_stage reco", "completion_pct", "draft", "This is a whole number, not 'most'."),
        (26, "campaign_stage reco", "param_overrides", "draft", 'A parameter is a pair of two texts, not ["-n"].'),
        (27, "campaign_stage reco", "job_type", "draft", "The experiment has no active job type 'absent'."),
        (30, "dependencies reco", "campaign_stage_1", "warning",
         "The campaign has no stage 'nowhere'. The dependency launches nothing until it has"),
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
    reading = read_campaign_file(text)
    assert check_file(reading, THERE) == []
    assert reading.campaign_file is not None
    job_types, login_setups = select_new(reading.campaign_file, THERE)
    assert job_types == [
        JobTypeDefinition(
            name="new",
            command=["bash", "-c", 'setup x; run -c "a b" "$@"', "launch"],
            parameters=[],
            patterns=["*.root", "a*"],
            kind=JobKind.SCRIPT,
            consumption=Consumption.EXIT_CODE,
        )
    ]
    assert login_setups[0].setup.setup == ["source a.sh; export B='c;d'"]
    assert not reading.campaign_file.plan.stages[0].merge_overrides


def test_keywords_of_the_experiment_stand_in_accounts_and_hosts() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\njob_type = fife\nlogin_setup = far\n[login_setup far]\n"
    text += "host = %(experiment)s.example.org\naccount = %(group)spro\n"
    far = UsedHost("far", HostKind.SSH, "", ["hypot*"], {"production": ["hypotpro"]}, "hypot")
    there = replace(THERE, active=KnownNames({"fife"}, {"far"}), hosts={"hypot.example.org": far})
    assert check_file(read_campaign_file(text), there) == []
    other = replace(there, hosts={"hypot.example.org": replace(far, experiment="other")})
    [found] = check_file(read_campaign_file(text), other)
    assert found.message == "No service admin lets the experiment use the account otherpro on far."
    for later in ("%(version)s", "%(site)s"):  # a launch knows it, and asks
        assert check_file(read_campaign_file(text.replace("%(group)s", later)), there) == []
    [found] = check_file(read_campaign_file(text.replace("%(group)s", "%{group}")), there)
    assert found.message.startswith("This is written like a user name")
    sited = text.replace("%(experiment)s.", "%(site)s.").replace(
        "[campaign_stage", 'campaign_keywords = {"site": "fnal"}\n[campaign_stage'
    )
    there = replace(there, hosts={"fnal.example.org": far}, keywords={"site": "fnal"})
    assert check_file(read_campaign_file(sited), there) == []


def test_what_the_shell_of_poms_would_read_as_itself_is_the_local_host_and_its_account() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\njob_type = fife\nlogin_setup = far\n[login_setup far]\n"
    text += "host = %s\naccount = %s\n"
    there = replace(THERE, active=KnownNames({"fife"}, {"far"}), hosts={HERE: UsedHost("own")})
    for host, account in (
        ("`hostname`", "$USER"),
        ("$HOSTNAME", "${LOGNAME}"),
        ("localhost", "`whoami`"),
    ):
        reading = read_campaign_file(text % (host, account))
        [found] = check_file(reading, there)
        assert (found.level, found.place.key) == (FindingLevel.WARNING, "account")
        assert reading.campaign_file is not None
        assert f"account = {account}\n" in write_campaign_file(reading.campaign_file)
        [setup] = select_new(reading.campaign_file, there)[1]
        assert (setup.setup.account, there.host_of(setup)) == ("", HERE)
        found = check_file(reading, replace(there, hosts={}))[0]
        assert found.message.startswith("The experiment has no local launch host, or several")
    far = UsedHost("far", HostKind.SSH, "", ["*"], ANYONE)
    there = replace(there, hosts={"far": far})
    found = check_file(read_campaign_file(text % ("far", "$USER")), there)[0]
    assert (found.level, found.message) == (FindingLevel.DRAFT, "Say the account on far.")


def test_a_loop_is_told_and_launches() -> None:
    text = "[campaign]\nname = c\n[campaign_defaults]\njob_type = fife\nlogin_setup = node1\n"
    text += "[campaign_stage a]\n[campaign_stage b]\n[dependencies a]\ncampaign_stage_1 = b\n"
    text += "[dependencies b]\ncampaign_stage_1 = a\n"
    [found] = check_file(read_campaign_file(text), THERE)
    assert found.level is FindingLevel.WARNING
    assert found.message.startswith("The stages launch each other in a loop: b → a → b.")


UNREADABLE = '[["process_status", []], ["consumed_status", [["-n=\',\'1"]]], "x"]'


def test_a_recovery_that_nobody_can_read_is_kept_as_it_is_written_and_blocks_nothing() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\njob_type = new\nlogin_setup = node1\n"
    text += "[job_type new]\nlaunch_script = fife_launch\nrecoveries = "
    for written, kinds in ((UNREADABLE, ["process_status"]), ("[", []), ('{"a": 1}', [])):
        reading = read_campaign_file(f"{text}{written}\n")
        found = check_file(reading, THERE)
        assert [(f.place.line, f.level) for f in found] == [(8, FindingLevel.WARNING)]
        assert reading.campaign_file is not None
        [job_type] = select_new(reading.campaign_file, THERE)[0]
        assert [one["type"] for one in job_type.recoveries] == kinds
        assert f"recoveries = {written}\n" in write_campaign_file(reading.campaign_file)
        changed = replace(job_type, recoveries=[{"type": "added_files"}])
        again = write_campaign_file(replace(reading.campaign_file, job_types=[changed]))
        assert 'recoveries = [["added_files", []]]' in again
    assert (
        "Recovery 2 can't be read"
        in check_file(read_campaign_file(f"{text}{UNREADABLE}"), THERE)[0].message
    )


def test_what_is_there_already_stays_as_it_is_with_a_warning() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\njob_type = fife\nlogin_setup = node1\n"
    text += "dataset_or_split_data = raw\n[job_type fife]\nlaunch_script = %s\n"
    assert check_file(read_campaign_file(text % "fife_launch"), THERE) == []
    found = check_file(read_campaign_file(text % "other" + 'parameters = [["-n ", "1"]]\n'), THERE)
    assert [(f.place.line, f.message, f.level) for f in found] == [
        (8, 'It is there already with command = ["fife_launch"], and stays so.', FindingLevel.WARNING),
        (9, "It is there already with parameters = [], and stays so.", FindingLevel.WARNING),
    ]  # fmt: skip
    elsewhere = replace(THERE, job_types={}, active=KnownNames({}, {"node1"}, {"raw"}))
    reading = read_campaign_file(text % "fife_launch")
    assert check_file(reading, elsewhere) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [(1, "There is no section [campaign].")]),
        ("x = 1", [(1, "The file begins with a section: [campaign].")]),
        ("[campaign]\n[campaign_stage a]", [(1, "A campaign has a name: name = …")]),
        ("[campaign]\nname = a", [(1, "There is no section [campaign_stage …]: a campaign has at least one stage.")]),
        (
            "[campaign]\nname = a\n<<<<<<< HEAD\n[campaign_stage b]\nx = 1\n=======\nx = 2\n[campaign]\n>>>>>>> b",
            [(line, CONFLICT) for line in (3, 6, 9)],
        ),
        (
            "[campaign]\nname = a\nwhat\n[campaign_stage b]\nx = 1\nx = 2\n[campaign]\n",
            [
                (3, "This is neither a section nor a key."),
                (6, "x of [campaign_stage b] is in the file already."),
                (7, "[campaign] is in the file already."),
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
    reading = read_campaign_file(text)
    assert reading.campaign_file is None
    assert sorted((f.place.line, f.message) for f in reading.findings) == found
    assert {f.level for f in reading.findings} == {FindingLevel.REFUSED}


def test_a_pattern_of_like_stays_one_and_without_a_percent_sign_becomes_a_glob() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\n[campaign_stage b]\n[dependencies b]\n"
    text += "campaign_stage_1 = a\nfile_pattern_1 = %%trig_a%%\ncampaign_stage_2 = a\nfile_pattern_2 = x[1]*\n"
    said = read_campaign_file(text).campaign_file
    assert said is not None
    assert [edge.patterns for edge in said.plan.dependencies] == [["%trig_a%", "x[[]1][*]"]]


def test_more_dependencies_than_a_campaign_can_have_are_refused() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\n[dependencies a]\n"
    text += "".join(f"campaign_stage_{n} = b{n}\n" for n in range(1_001))
    [found] = check_file(read_campaign_file(text), THERE)
    assert (found.place.line, found.level) == (1_005, FindingLevel.REFUSED)


def test_what_our_own_sections_say_wrongly_is_found_there() -> None:
    text = "[campaign]\nname = c\n[campaign_stage a]\njob_type = fife\nlogin_setup = node1\n"
    text += (
        'dataset_or_split_data = raw\n[poms_campaign]\nkeywords = [["2", "x"]]\n[poms_stage a]\n'
    )
    text += "files_per_job = 0\nresources = [1]\nmost = 3\n[poms_stage b]\nsplit = 1\n"
    assert [
        (f.place.line, f.place.key, f.level.value)
        for f in check_file(read_campaign_file(text), THERE)
    ] == [
        (8, "keywords", "draft"),
        (10, "files_per_job", "draft"),
        (11, "resources", "draft"),
        (12, "most", "warning"),
        (13, "", "warning"),
    ]
