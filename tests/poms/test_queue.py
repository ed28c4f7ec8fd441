"""`poms queue`, `poms hold` and `poms release`, and what a launch said, as a shell script uses them."""

from db.pool import Pool
from tests.application_server import make_token
from tests.poms.command_runner import Poms
from tests.resolvers.submission_factory import SubmissionFactory


async def test_what_is_held_waits_in_the_queue_with_its_reason_until_it_is_released(
    poms: Poms, db: Pool
) -> None:
    await SubmissionFactory.make(db)
    held = await poms("hold", "toy/reco", "-r", "the disk is full")
    assert (held.code, held.out) == (0, "launch_hold:1: launches of stage reco wait.\n")
    again = await poms("hold", "toy/reco", "-r", "and the tape")
    assert (again.code, "AlreadyHeld" in again.err) == (1, True)
    assert (await poms("launch", "toy/reco")).code == 0
    shown = await poms("queue")
    assert shown.code == 0
    first, *reasons = shown.out.splitlines()
    assert first.startswith(
        "submission:1: hypot/toy/reco, 4 jobs, priority 0, number 1 of its stage"
    )
    assert reasons == ["  anna holds launches of stage reco: the disk is full"]
    (waits,) = (await poms("--json", "queue", "toy/reco")).json
    assert (waits["id"], waits["waiting"]["position"]) == ("submission:1", 1)
    assert (await poms("--json", "queue", "toy/gen")).json == []
    released = await poms("--json", "release", "toy/reco")
    assert (released.code, released.json["id"]) == (0, "launch_hold:1")
    (waits,) = (await poms("--json", "queue", "hypot/")).json
    assert not any("disk" in reason for reason in waits["waiting"]["reasons"])
    nothing = await poms("release", "toy/reco")
    assert (nothing.code, "are not held." in nothing.err) == (1, True)


async def test_a_campaign_an_experiment_and_everything_are_held_by_those_who_may(
    poms: Poms, db: Pool
) -> None:
    await SubmissionFactory.make(db)
    refused = await poms("hold", "hypot/", "-r", "a shutdown")
    assert (refused.code, "NotPermitted" in refused.err) == (1, True)
    sue, ada = {"POMS_TOKEN": make_token("sue")}, {"POMS_TOKEN": make_token("ada")}
    assert (await poms("hold", "hypot/", "-r", "a shutdown", **sue)).code == 0
    wider = await poms("release", "toy")
    assert (wider.code, "launch_hold:1 of experiment hypot holds them" in wider.err) == (1, True)
    assert (await poms("hold", "toy", "-r", "a bad calibration")).code == 0
    assert (await poms("hold", "--everything", "-r", "no power", **ada)).code == 0
    for what, who in (("hypot/", sue), ("toy", {}), ("--everything", ada)):
        assert (await poms("release", what, **who)).code == 0
    assert await db.fetchval("SELECT count(*) FROM launch_hold WHERE released_at IS NULL") == 0


async def test_a_hold_of_nothing_or_of_two_things_is_wrong(poms: Poms) -> None:
    assert (await poms("hold", "-r", "why")).code == 2
    assert (await poms("release", "toy", "--everything")).code == 2
    assert (await poms("hold", "toy")).code == 2
    nowhere = await poms("queue", "nowhere/")
    assert (nowhere.code, "no experiment 'nowhere'" in nowhere.err) == (1, True)


async def test_what_a_launch_said_is_shown_when_it_is_over(poms: Poms, db: Pool) -> None:
    row = await (await SubmissionFactory.make(db)).submission(1, "idle")
    say = "INSERT INTO launch_output VALUES ($1, $2, 1, $3)"
    await db.executemany(say, [(row.id, n, f"line [{n}]\n") for n in range(1, 121)])
    said = await poms("logs", f"submission:{row.id}", "--launch")
    lines = said.out.splitlines()
    assert (said.code, len(lines), lines[119].partition(" ")[2]) == (0, 120, "line [120]")
    kept = (await poms("--json", "logs", f"submission:{row.id}", "--launch")).json
    assert [piece["text"] for piece in kept] == [f"line [{n}]\n" for n in range(1, 121)]
    assert (await poms("logs", "submission:999", "--launch")).code == 1


HOSTILE = "[red]ICARUS[/nope] :smile: $HOME/../x \"y\" 'z' %(a)s"
STEERS = "\x1b]0;title\x07\x1b[2J the disk\r\u202eis full"


async def test_names_and_reasons_are_text_to_a_terminal_and_may_have_slashes(
    poms: Poms, db: Pool
) -> None:
    await SubmissionFactory.make(db)
    await db.execute("UPDATE campaign SET name = $1 WHERE name = 'toy'", HOSTILE)
    await db.execute("UPDATE stage SET name = $1 WHERE name = 'reco'", HOSTILE)
    for name in (f"{HOSTILE}/{HOSTILE}", f"hypot/{HOSTILE}/{HOSTILE}"):
        held = await poms("hold", name, "-r", STEERS)
    assert "AlreadyHeld" in held.err
    assert (await poms("launch", f"{HOSTILE}/{HOSTILE}")).code == 0
    shown = await poms("queue")
    assert f"hypot/{HOSTILE}/{HOSTILE}" in shown.out
    status = await poms("status", f"hypot/{HOSTILE}")
    assert (status.code, "[red]ICARUS[/nope]" in status.out) == (0, True)
    assert "[red]ICARUS[/nope]" in (await poms("campaign", "list")).out
    for said in (shown, status, held):
        assert not {"\x1b", "\x07", "\r", "\u202e"}.intersection(said.out + said.err)
    assert "the disk" in shown.out


async def test_logs_and_what_launches_said_do_not_steer_a_terminal(poms: Poms, db: Pool) -> None:
    work = await SubmissionFactory.make(db)
    row = await work.submission(work.reco, "failed", jobs_idle=3, jobs_failed=1)
    await work.fail(row.id, 1, f"[red]log[/nope]\n{STEERS}\n")
    say = "INSERT INTO launch_output VALUES ($1, 1, 1, $2)"
    await db.execute(say, row.id, f"[red]said[/nope] {STEERS}\n")
    await db.execute(
        "UPDATE submission SET reason = $1, decision_needed = $1", f"[red]why[/nope] {STEERS}"
    )
    id = f"submission:{row.id}"
    for words in (["logs", id], ["logs", id, "--launch"], ["status", id], ["status", "toy"]):
        said = await poms(*words)
        assert said.code == 0, said.err
        assert not {"\x1b", "\x07", "\r", "\u202e"}.intersection(said.out + said.err), words
        if words[0] == "logs":
            assert "[red]" in said.out
            assert "the disk" in said.out
