"""`poms status`, `poms watch` and `poms logs`."""

import json
from functools import partial
from typing import Annotated

import typer

from poms.client import Client, find_next_cursor, iterate_pages
from poms.command import names
from poms.command.console import CommandConsole, ExitCode, convert_to_json_value
from poms.command.launching import Which, make_submission_table
from poms.following import Stages, show_until_quiet
from poms.generated.enums import AccountVerdict
from poms.generated.fragments import OutputPart, ProgressPart, SubmissionPart
from poms.generated.input_types import SubmissionsFilter
from poms.generated.submission import SubmissionSubmission
from poms.generated.triage import TriageSubmissionTriage
from poms.progress_view import ProgressView, make_account_table
from poms.transport import OperationRefused

Named = Annotated[str, typer.Argument(help="[EXPERIMENT/]CAMPAIGN, or campaign:42.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("status")(show_status)
    app.command("watch")(watch_campaign)
    app.command("logs")(show_logs)


def show_status(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(help="[EXPERIMENT/]CAMPAIGN, campaign:42, submission:7.")],
    most: Annotated[int, typer.Option(min=1, max=100, help="How many submissions.")] = 20,
) -> None:
    """Show a campaign's newest submissions, or one submission with its recoveries."""
    console: CommandConsole = ctx.obj
    if what.startswith("submission:"):
        one = console.run(lambda api: _fetch_submission(api, what))
        console.show(one, make_submission_table([one, *one.recoveries]))
        return
    found = console.run(lambda api: _list_newest(api, what, most))
    console.show(found, make_submission_table(found))


async def _fetch_submission(api: Client, id: str) -> SubmissionSubmission:
    found = (await api.submission(id)).submission
    if found is None:
        raise OperationRefused(f"There is no {id}.")
    return found


async def _list_newest(api: Client, what: str, most: int) -> list[SubmissionPart]:
    campaign = await names.find_campaign(api, what)
    found = await api.submissions(SubmissionsFilter(campaign_id=campaign.id), most)
    return list(found.submissions.nodes)


def watch_campaign(
    ctx: typer.Context,
    campaign: Named,
    quiet: Annotated[
        float, typer.Option(help="Seconds without anything live that are its end.")
    ] = 5,
    test: Annotated[
        bool, typer.Option("--test", help="Its test launches, and nothing else.")
    ] = False,
) -> None:
    """Follow a campaign live until nothing goes on in it. Exit code 0: all is done as asked; 5: done with losses;
    6: nothing of it was done; 7: nothing was launched."""
    console: CommandConsole = ctx.obj
    end = console.run(lambda api: _follow_campaign(api, campaign, console, quiet, is_test=test))
    if not console.json:
        console.out.print(make_account_table(end.stages))
    if end.account.verdict in ENDS:
        code, words = ENDS[end.account.verdict]
        console.end(code, words)


ENDS = {
    AccountVerdict.LOSSES: (
        ExitCode.NOT_WELL,
        "Done with losses: inputs are lost, or launches are not located; see `poms status`.",
    ),
    AccountVerdict.FAILED: (ExitCode.FAILED, "Nothing of it was done: see `poms status`."),
    AccountVerdict.NOTHING: (ExitCode.NOTHING_TO_DO, "Nothing was launched."),
}
"""How watching ends where not all is done as asked."""


async def _follow_campaign(
    api: Client, name: str, console: CommandConsole, quiet_s: float, *, is_test: bool
) -> ProgressPart:
    found = await names.find_campaign(api, name)
    follow = partial(show_until_quiet, api, found.id, quiet_s=quiet_s, is_test=is_test)
    if console.json:
        return await follow(_print_stages_line)
    with ProgressView(console.out) as view:
        return await follow(view.show)


def _print_stages_line(stages: Stages) -> None:
    print(json.dumps(convert_to_json_value(stages)), flush=True)  # noqa: T201 - a line per change, for scripts


def show_logs(
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
    console: CommandConsole = ctx.obj
    if follow:
        console.run(lambda api: _follow_output(api, submission, console))
        return
    if launch:
        said = console.run(lambda api: _fetch_output(api, submission))
        if console.json:
            console.show(said, "")
        for piece in said:
            console.say(_format_piece(piece))
        return
    found = console.run(lambda api: _fetch_triage(api, submission))
    if console.json:
        console.show(found, "")
        return
    console.say(f"{found.jobs} failed jobs")
    for group in found.groups:
        why = group.reason or "?"
        code = "" if group.exit_code is None else f", exit code {group.exit_code}"
        console.say(f"\n{group.count} jobs: {why}{code}{f' at {group.site}' if group.site else ''}")
        console.say(group.batch_system_message)
        console.say(group.log)


async def _fetch_triage(api: Client, id: str) -> TriageSubmissionTriage:
    found = (await api.triage(id)).submission_triage
    if found is None:
        raise OperationRefused(f"There is no {id}.")
    return found


async def _fetch_output(api: Client, id: str) -> list[OutputPart]:
    async def page(after: str | None) -> tuple[list[OutputPart], str | None]:
        found = (await api.launch_output(id, after)).launch_output
        if found is None:
            raise OperationRefused(f"There is no {id}.")
        return list(found.nodes), find_next_cursor(found.page_info)

    return [each async for each in iterate_pages(page)]


def _format_piece(of: OutputPart) -> str:
    return f"{of.at:%H:%M:%S} {of.text.rstrip()}"


async def _follow_output(api: Client, id: str, console: CommandConsole) -> None:
    async for piece in api.output_of(id):
        if console.json:
            print(json.dumps(convert_to_json_value(piece)), flush=True)  # noqa: T201
        else:
            console.say(_format_piece(piece))
