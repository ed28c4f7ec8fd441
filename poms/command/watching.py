"""`poms status`, `poms watch` and `poms logs`."""

import json
from typing import Annotated

import typer

from poms.board import Board, account
from poms.client import Client, following, pages
from poms.command import names
from poms.command.desk import Code, Desk, jsonable
from poms.command.launching import Which, submissions
from poms.following import Stages, is_well, until_quiet
from poms.generated.fragments import OutputPart, SubmissionPart
from poms.generated.input_types import SubmissionsFilter
from poms.generated.submission import SubmissionSubmission
from poms.generated.triage import TriageSubmissionTriage
from poms.transport import Refused

Named = Annotated[str, typer.Argument(help="[EXPERIMENT/]CAMPAIGN, or campaign:42.")]


def join(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(status)
    app.command()(watch)
    app.command()(logs)


def status(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(help="[EXPERIMENT/]CAMPAIGN, campaign:42, submission:7.")],
    most: Annotated[int, typer.Option(min=1, max=100, help="How many submissions.")] = 20,
) -> None:
    """Show a campaign's newest submissions, or one submission with its recoveries."""
    desk: Desk = ctx.obj
    if what.startswith("submission:"):
        one = desk.run(lambda api: _submission(api, what))
        desk.show(one, submissions([one, *one.recoveries]))
        return
    found = desk.run(lambda api: _newest(api, what, most))
    desk.show(found, submissions(found))


async def _submission(api: Client, id: str) -> SubmissionSubmission:
    found = (await api.submission(id)).submission
    if found is None:
        raise Refused(f"There is no {id}.")
    return found


async def _newest(api: Client, what: str, most: int) -> list[SubmissionPart]:
    campaign = await names.campaign(api, what)
    found = await api.submissions(SubmissionsFilter(campaign_id=campaign.id), most)
    return list(found.submissions.nodes)


def watch(
    ctx: typer.Context,
    campaign: Named,
    quiet: Annotated[
        float, typer.Option(help="Seconds without anything live that are its end.")
    ] = 5,
) -> None:
    """Follow a campaign live until nothing goes on in it; exit code 5 when not all of it is located."""
    desk: Desk = ctx.obj
    stages = desk.run(lambda api: _watch(api, campaign, desk, quiet))
    if not desk.json:
        desk.out.print(account(stages))
    if not is_well(stages):
        desk.end(Code.NOT_WELL, "Not all of its submissions are located: see `poms status`.")


async def _watch(api: Client, name: str, desk: Desk, quiet_s: float) -> Stages:
    found = await names.campaign(api, name)
    if desk.json:
        return await until_quiet(api, found.id, _line, quiet_s=quiet_s)
    with Board(desk.out) as board:
        return await until_quiet(api, found.id, board.show, quiet_s=quiet_s)


def _line(stages: Stages) -> None:
    print(json.dumps(jsonable(stages)), flush=True)  # noqa: T201 - a line per change, for scripts


def logs(
    ctx: typer.Context,
    submission: Which,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="What its launch says, live.")
    ] = False,
    launch: Annotated[
        bool, typer.Option("--launch", help="What its launch said, instead of its jobs.")
    ] = False,
) -> None:
    """Show why a submission's jobs failed, with the last lines of their logs; or what its launch said."""
    desk: Desk = ctx.obj
    if follow:
        desk.run(lambda api: _follow(api, submission, desk))
        return
    if launch:
        said = desk.run(lambda api: _said(api, submission))
        if desk.json:
            desk.show(said, "")
        for piece in said:
            desk.say(_piece(piece))
        return
    found = desk.run(lambda api: _triage(api, submission))
    if desk.json:
        desk.show(found, "")
        return
    desk.say(f"{found.jobs} failed jobs")
    for group in found.groups:
        why = group.reason or "?"
        code = "" if group.exit_code is None else f", exit code {group.exit_code}"
        desk.say(f"\n{group.count} jobs: {why}{code}{f' at {group.site}' if group.site else ''}")
        desk.say(group.said)
        desk.say(group.log)


async def _triage(api: Client, id: str) -> TriageSubmissionTriage:
    found = (await api.triage(id)).submission_triage
    if found is None:
        raise Refused(f"There is no {id}.")
    return found


async def _said(api: Client, id: str) -> list[OutputPart]:
    async def page(after: str | None) -> tuple[list[OutputPart], str | None]:
        found = (await api.launch_output(id, after)).launch_output
        if found is None:
            raise Refused(f"There is no {id}.")
        return list(found.nodes), following(found.page_info)

    return [each async for each in pages(page)]


def _piece(of: OutputPart) -> str:
    return f"{of.at:%H:%M:%S} {of.text.rstrip()}"


async def _follow(api: Client, id: str, desk: Desk) -> None:
    async for piece in api.output_of(id):
        if desk.json:
            print(json.dumps(jsonable(piece)), flush=True)  # noqa: T201
        else:
            desk.say(_piece(piece))
