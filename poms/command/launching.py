"""`poms launch`, `poms cancel` and `poms kick`."""

from typing import Annotated

import typer

from poms.client import Client, expect_result
from poms.command import names
from poms.command.console import CommandConsole, make_table
from poms.generated.fragments import LaunchPart, SubmissionPart
from poms.progress_view import format_state
from poms.transport import OperationRefused

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why: it is kept and told.")]
Which = Annotated[str, typer.Argument(help="Such as submission:42.", metavar="SUBMISSION")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("launch")(launch_target)
    app.command("cancel")(cancel_submission)
    app.command("kick")(kick_submission)


def launch_target(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(help="[EXPERIMENT/]CAMPAIGN[/STAGE], or campaign:42.")],
    test: Annotated[bool, typer.Option(help="A test launch.")] = False,
    key: Annotated[
        str | None, typer.Option(help="Launching again with the same key launches nothing twice.")
    ] = None,
) -> None:
    """Launch the next slice of a stage, or every stage of a campaign that begins without another one."""
    console: CommandConsole = ctx.obj
    made = console.run(lambda api: _launch_by_name(api, what, test, key))
    console.show(made, make_submission_table(made))


async def _launch_by_name(
    api: Client, what: str, test: bool, key: str | None
) -> list[SubmissionPart]:
    named = await names.find_named(api, what)
    if named.stage_id is not None:
        asked = await api.launch_stage(named.stage_id, test, key)
        return [expect_result(asked.launch_stage, SubmissionPart)]
    done = expect_result(
        (await api.launch_campaign(named.campaign.id, test, key)).launch_campaign, LaunchPart
    )
    if problems := [each.problem.message for each in done.launches if each.problem]:
        raise OperationRefused("\n".join(problems))
    return [each.submission for each in done.launches if each.submission]


def cancel_submission(ctx: typer.Context, submission: Which, reason: Reason) -> None:
    """Remove all that is left of a submission's jobs."""
    console: CommandConsole = ctx.obj
    told = console.run(lambda api: api.cancel_submission(submission, reason))
    one = console.run_guarded(lambda: expect_result(told.cancel_submission, SubmissionPart))
    console.show(one, f"{one.id}: asked. It is {one.state.value.lower()} until its jobs are gone.")


def kick_submission(ctx: typer.Context, submission: Which, reason: Reason) -> None:
    """Count a submission as located, although outputs are missing; what depends on it goes on."""
    console: CommandConsole = ctx.obj
    told = console.run(lambda api: api.kick_submission(submission, reason))
    one = console.run_guarded(lambda: expect_result(told.kick_submission, SubmissionPart))
    console.show(one, f"{one.id} is {one.state.value.lower()}.")


def make_submission_table(found: list[SubmissionPart]) -> object:
    """A line per submission; its inputs are done of given, with those of its recoveries."""
    head = "id stage state jobs running held succeeded failed inputs located since reason"
    return make_table(
        head,
        (
            (
                s.id,
                s.stage.name + (" (test)" if s.is_test else ""),
                format_state(s.state.value, s.account),
                s.jobs_total,
                s.jobs_running,
                s.jobs_held,
                s.jobs_succeeded,
                s.jobs_failed,
                f"{s.account.done.count}/{s.account.given}",
                s.outputs_located,
                f"{s.state_since:%Y-%m-%d %H:%M:%S}",
                s.waiting.reason if s.waiting else s.reason,
            )
            for s in found
        ),
    )
