"""`poms recover`: what of a submission is done again, shown before it is."""

import shlex
from typing import Annotated

import typer

from poms.client import Client, expect_result
from poms.command.console import CommandConsole, make_table
from poms.command.launching import Which
from poms.generated.fragments import PlanPart, SubmissionPart
from poms.generated.input_types import RecoveryInput


def add_command(app: typer.Typer) -> None:
    """Add this command."""
    app.command("recover")(recover_submission)


def recover_submission(
    ctx: typer.Context,
    submission: Which,
    kind: Annotated[
        str | None,
        typer.Option("--type", help="Such as failed or all; without, the next of its list."),
    ] = None,
    position: Annotated[
        int | None,
        typer.Option(min=0, help="That of its list, counted from 0, in place of a type."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Launch it without asking.")] = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="Show it, launch nothing.")] = False,
    key: Annotated[
        str | None, typer.Option(help="With the same key nothing is done twice.")
    ] = None,
) -> None:
    """Show what a recovery would do again, and why each file is in or out; then launch exactly that."""
    if kind is not None and position is not None:
        raise typer.BadParameter("Give --type or --position, not both.")
    console: CommandConsole = ctx.obj
    plan = console.run(lambda api: _plan_recovery(api, submission, kind, position))
    if plan_only or not console.json:
        _show_plan(console, plan)
    if plan_only:
        return
    if not yes:
        typer.confirm(f"Launch {plan.jobs} jobs?", abort=True, err=True)
    made = console.run(lambda api: _launch_recovery(api, submission, plan.plan_hash, key))
    console.show(made, f"{made.id} is {made.state.value.lower()}.")


async def _plan_recovery(
    api: Client, submission: str, kind: str | None, position: int | None
) -> PlanPart:
    recovery = None if kind is None else RecoveryInput(type_=kind)
    place = 0 if kind is None and position is None else position
    answer = await api.plan_recovery(submission, recovery, place)
    return expect_result(answer.plan_recovery, PlanPart)


async def _launch_recovery(
    api: Client, submission: str, plan: str, key: str | None
) -> SubmissionPart:
    answer = await api.launch_recovery(submission, plan, key)
    return expect_result(answer.launch_recovery, SubmissionPart)


def _show_plan(console: CommandConsole, plan: PlanPart) -> None:
    counts = (
        (c.count, "in" if c.is_taken else "out", c.verdict.value.lower()) for c in plan.counts
    )
    console.show(plan, make_table("files taken verdict", counts))
    console.say(f"{plan.type_}: {plan.taken_count} of {plan.total_count} in {plan.jobs} jobs")
    console.say(shlex.join(plan.command))
