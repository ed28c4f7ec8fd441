"""`poms queue`, `poms hold` and `poms release`: launches that wait."""

from typing import Annotated

import typer

from poms.client import Client, expect_result, find_next_cursor, iterate_pages
from poms.command import names
from poms.command.console import CommandConsole
from poms.command.launching import Reason
from poms.generated.enums import LaunchScope
from poms.generated.fragments import HoldPart, QueuedPart
from poms.generated.input_types import LaunchQueueFilter
from poms.transport import OperationRefused

WHAT = "[EXPERIMENT/]CAMPAIGN[/STAGE], campaign:42, stage:7, or EXPERIMENT/ with a slash for all of it."
What = Annotated[str | None, typer.Argument(help=WHAT)]
Everything = Annotated[bool, typer.Option("--everything", help="All launches: for admins.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("queue")(show_queue)
    app.command("hold")(hold_launches)
    app.command("release")(release_launches)


def show_queue(
    ctx: typer.Context,
    what: What = None,
    most: Annotated[int, typer.Option(min=1, help="How many launches.")] = 100,
) -> None:
    """List the launches that wait, in the order of their turns: each one's place in its stage, and all it waits for."""
    console: CommandConsole = ctx.obj
    found = console.run(lambda api: _fetch_queue(api, what, most))
    if console.json:
        console.show(found, "")
    for each in found:
        console.say("\n  ".join(_describe_wait(each)))


def _describe_wait(of: QueuedPart) -> list[str]:
    """Which launch it is, and what it waits for."""
    name = f"{of.experiment.name}/{of.campaign.name}/{of.stage.name}{' (test)' * of.is_test}"
    which = f"{of.id}: {name}, {of.jobs_total} jobs, priority {of.priority}"
    if of.waiting is None:
        return [f"{which}, begins"]
    place = f"number {of.waiting.position} of its stage since {of.waiting.since:%Y-%m-%d %H:%M:%S}"
    return [f"{which}, {place}", *of.waiting.reasons]


async def _fetch_queue(api: Client, what: str | None, most: int) -> list[QueuedPart]:
    wanted = await _build_filter(api, what)

    async def page(after: str | None) -> tuple[list[QueuedPart], str | None]:
        found = (await api.launch_queue(min(most, 100), wanted, after)).launch_queue
        return list(found.nodes), find_next_cursor(found.page_info)

    found: list[QueuedPart] = []
    async for each in iterate_pages(page):
        found.append(each)
        if len(found) == most:
            break
    return found


async def _build_filter(api: Client, what: str | None) -> LaunchQueueFilter:
    if what is None:
        return LaunchQueueFilter()
    id = await names.find_whole(api, what)
    if id.startswith("experiment:"):
        return LaunchQueueFilter(experiment=what.rstrip("/"))
    return LaunchQueueFilter(
        campaign_id=id if id.startswith("campaign:") else None,
        stage_id=id if id.startswith("stage:") else None,
    )


def _require_one(what: str | None, *, everything: bool) -> None:
    if (what is None) != everything:
        raise typer.BadParameter("Name a stage, a campaign, an experiment/, or give --everything.")


def hold_launches(
    ctx: typer.Context, reason: Reason, what: What = None, everything: Everything = False
) -> None:
    """Let launches of a stage, a campaign or an experiment wait, until they are released; jobs go on."""
    _require_one(what, everything=everything)
    console: CommandConsole = ctx.obj
    made = console.run(lambda api: _create_hold(api, what, reason))
    console.show(made, f"{made.id}: launches of {_name_hold(made)} wait.")


async def _create_hold(api: Client, what: str | None, reason: str) -> HoldPart:
    id = None if what is None else await names.find_whole(api, what)
    return expect_result((await api.hold_launches(reason, id)).hold_launches, HoldPart)


def release_launches(
    ctx: typer.Context,
    what: Annotated[str | None, typer.Argument(help=f"{WHAT} Or launch_hold:3.")] = None,
    everything: Everything = False,
) -> None:
    """Release what was held: launches that waited for it begin, by priority and age, as limits allow."""
    _require_one(what, everything=everything)
    console: CommandConsole = ctx.obj
    done = console.run(lambda api: _release_hold(api, what))
    console.show(done, f"{done.id} is released: launches of {_name_hold(done)} begin again.")


async def _release_hold(api: Client, what: str | None) -> HoldPart:
    by_id = what is not None and what.startswith("launch_hold:")
    id = what if what is not None and by_id else await _find_hold(api, what)
    return expect_result((await api.release_launches(id)).release_launches, HoldPart)


async def _find_hold(api: Client, what: str | None) -> str:
    """The hold of exactly this; where launches wait for a wider one, which."""
    if what is None:
        scope, found = LaunchScope.EVERYTHING, list((await api.launch_holds()).launch_holds)
    else:
        id = await names.find_whole(api, what)
        scope, node = LaunchScope(id.partition(":")[0].upper()), (await api.holds_of(id)).node
        found = list(getattr(node, "launch_holds", ()))
    own = [each for each in found if each.scope is scope]
    if own:
        return own[0].id
    wider = "".join(f" {h.id} of {_name_hold(h)} holds them: {h.reason}" for h in found)
    raise OperationRefused(f"Launches of {what or 'everything'} are not held.{wider}")


def _name_hold(of: HoldPart) -> str:
    return f"{of.scope.value.lower()} {of.name}".strip()
