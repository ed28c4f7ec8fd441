"""What launch scripts say of what they submit, and what follows from how they end."""

import itertools
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.launching.launch_scripts import (
    CarriedFiles,
    ClusterId,
    ClusterIdListener,
    LaunchScript,
    ScriptVerdict,
    build_local_command,
    build_shell_command,
    build_ssh_command,
    choose_unsubmitted_state,
    decide_script_verdict,
    describe_end,
    join_last_lines,
    parse_cluster_ids,
)
from domain.launching.launches import ScriptEnd
from domain.setup.launch_hosts import HostKind
from domain.submissions.jobs import JobState

FORMS = {
    "3 job(s) submitted to cluster 17.": ClusterId("17"),
    "1 job(s) submitted to cluster 9": ClusterId("9"),
    "17.0 - 17.2": ClusterId("17"),
    "8.0 - 8.0": ClusterId("8"),
    "JobsubJobId of first job: 12345.0@jobsub01.fnal.gov": ClusterId("12345", "jobsub01.fnal.gov"),
    "Use job id 12345.0@jobsub05.fnal.gov to retrieve output": ClusterId("12345", "jobsub05.fnal.gov"),
    "1 job(s) submitted to cluster 7 on schedd jobsub02.fnal.gov.": ClusterId("7", "jobsub02.fnal.gov"),
    "2026-11-27 INFO Use job id 5.0@test@pool.test to retrieve output": ClusterId("5", "test@pool.test"),
}  # fmt: skip
NONE = [
    "", "Submitting job(s)...", "17.0 - 18.2", "cluster 17", "see 17.0 - 17.2 of the manual",
    "job(s) submitted to cluster 17.", "3 job(s) submitted to cluster x.", "Use job id of the project",
    "[POMS] Cluster 17: 3 job(s) submitted to cluster 17.", "3 job(s) submitted to cluster \u0661\u0667.",
    "9" * 5000 + " job(s) submitted to cluster 17.",
]  # fmt: skip


@pytest.mark.parametrize("line", FORMS)
def test_each_form_names_its_cluster(line: str) -> None:
    assert parse_cluster_ids(f"before\n{line}\nafter") == [FORMS[line]]
    assert parse_cluster_ids(f"{line}\r\n{line}") == [FORMS[line]]


@pytest.mark.parametrize("line", NONE)
def test_nothing_else_does(line: str) -> None:
    assert parse_cluster_ids(line) == []


def test_jobsub_lite_lets_condor_submit_speak_first_and_the_name_counts() -> None:
    said = (
        "1 job(s) submitted to cluster 68.\nUse job id 68.0@jobsub05.fnal.gov to retrieve output\n"
    )
    assert parse_cluster_ids(said) == [ClusterId("68", "jobsub05.fnal.gov")]
    listener = ClusterIdListener()
    first, second = said.splitlines(keepends=True)
    assert listener.hear(first) == []
    assert listener.hear(second) == [ClusterId("68", "jobsub05.fnal.gov")]
    assert listener.hear("") == []


@given(st.lists(st.sampled_from([*FORMS, *NONE[:5]]), max_size=8), st.lists(st.integers(1, 40)))
def test_whatever_the_pieces_are_that_it_comes_in_it_tells_the_same(
    lines: list[str], sizes: list[int]
) -> None:
    text, listener, heard = "\n".join([*lines, ""]), ClusterIdListener(), list[ClusterId]()
    for size in sizes:
        heard += listener.hear(text[:size])
        text = text[size:]
    heard += listener.hear(text) + listener.hear("")
    assert len(heard) == len(set(heard))
    assert set(heard) >= set(parse_cluster_ids("\n".join(lines)))
    assert {each.number for each in heard} == {
        each.number for each in parse_cluster_ids("\n".join(lines))
    }


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    listener = ClusterIdListener()
    assert all(each.number.isdecimal() for each in [*parse_cluster_ids(text), *listener.hear(text)])


@pytest.mark.parametrize(("end", "adopted"), [*itertools.product(ScriptEnd, (True, False))])
def test_what_follows_from_its_end(end: ScriptEnd, adopted: bool) -> None:
    expected = {
        ScriptEnd.CUT_OFF: ScriptVerdict.UNDECIDED,
        ScriptEnd.REMOVAL: ScriptVerdict.CANCELLED,
    }
    found = decide_script_verdict(end, adopted=adopted)
    assert found is (ScriptVerdict.LAUNCHED if adopted else expected.get(end, ScriptVerdict.FAILED))
    # What nobody wants is not done again; all else is a recovery's.
    assert (choose_unsubmitted_state(end) is JobState.REMOVED) == (end is ScriptEnd.REMOVAL)
    assert "script" in describe_end(end, 3, 60)


def test_last_words_are_the_scripts_own() -> None:
    assert join_last_lines(["[POMS] It runs.\nno such file\n", "x" * 2000], most=10) == "x" * 10
    assert join_last_lines(["[POMS] It runs.\n", "no such file"]) == "no such file"


WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
WORDS = st.lists(WORD, min_size=1, max_size=4)


@given(WORDS)
def test_words_are_never_read_by_a_shell(words: list[str]) -> None:
    script = LaunchScript(
        words, ["set -x"], {"A": "$(rm -rf /)"}, HostKind.SSH, "node.example.org:2022", "prod"
    )
    assert build_local_command(script, ["python3", "it"])[-len(words) :] == words
    argv = build_ssh_command(
        script, "text '$0'", ["-F", "conf"], CarriedFiles(7, "BEARER_TOKEN_FILE")
    )
    at = argv.index("--")
    assert argv[at + 1] == "node.example.org"
    assert argv[at - 4 : at] == ["-p", "2022", "-l", "prod"]
    there = shlex.split(" ".join(argv[at + 2 :]))
    assert there[-len(words) :] == words
    assert there[-len(build_shell_command(script)) :] == build_shell_command(script)
    assert there[:2] == ["env", "A=$(rm -rf /)"]
