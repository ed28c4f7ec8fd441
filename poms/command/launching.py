"""`poms launch`, `poms cancel` and `poms kick`."""

from typing import Annotated

import typer

from poms.client import Client, taken
from poms.command import names
from poms.command.desk import Desk, rows
from poms.generated.fragments import LaunchPart, SubmissionPart
from poms.transport import Refused

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why: it is kept and told.")]
Which = Annotated[str, typer.Argument(help="Such as submission:42.", metavar="SUBMISSION")]


def join(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(launch)
    app.command()(cancel)
    app.command()(kick)


def launch(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(help="[EXPERIMENT/]CAMPAIGN[/STAGE], or campaign:42.")],
    test: Annotated[bool, typer.Option(help="A test launch.")] = False,
    key: Annotated[
        str | None, typer.Option(help="Launching again with the same key launches nothing twice.")
    ] = None,
) -> None:
    """Launch the next slice of a stage, or every stage of a campaign that begins without another one."""
    desk: Desk = ctx.obj
    made = desk.run(lambda api: _launch(api, what, test, key))
    desk.show(made, submissions(made))


async def _launch(api: Client, what: str, test: bool, key: str | None) -> list[SubmissionPart]:
    named = await names.named(api, what)
    if named.stage_id is not None:
        asked = await api.launch_stage(named.stage_id, test, key)
        return [taken(asked.launch_stage, SubmissionPart)]
    done = taken(
        (await api.launch_campaign(named.campaign.id, test, key)).launch_campaign, LaunchPart
    )
    if problems := [each.problem.message for each in done.launches if each.problem]:
        raise Refused("\n".join(problems))
    return [each.submission for each in done.launches if each.submission]


def cancel(ctx: typer.Context, submission: Which, reason: Reason) -> None:
    """Remove all that is left of a submission's jobs."""
    desk: Desk = ctx.obj
    told = desk.run(lambda api: api.cancel_submission(submission, reason))
    one = desk.guarded(lambda: taken(told.cancel_submission, SubmissionPart))
    desk.show(one, f"{one.id}: asked. It is {one.state.value.lower()} until its jobs are gone.")


def kick(ctx: typer.Context, submission: Which, reason: Reason) -> None:
    """Count a submission as located, although outputs are missing; what depends on it goes on."""
    desk: Desk = ctx.obj
    told = desk.run(lambda api: api.kick_submission(submission, reason))
    one = desk.guarded(lambda: taken(told.kick_submission, SubmissionPart))
    desk.show(one, f"{one.id} is {one.state.value.lower()}.")


def submissions(found: list[SubmissionPart]) -> object:
    """A line per submission."""
    head = "id stage state jobs running held succeeded failed files located since reason"
    return rows(
        head,
        (
            (
                s.id,
                s.stage.name + (" (test)" if s.is_test else ""),
                s.state.value.lower(),
                s.jobs_total,
                s.jobs_running,
                s.jobs_held,
                s.jobs_succeeded,
                s.jobs_failed,
                s.files_total,
                s.outputs_located,
                f"{s.state_since:%Y-%m-%d %H:%M:%S}",
                s.waiting.reason if s.waiting else s.reason,
            )
            for s in found
        ),
    )
