"""`poms queue`, `poms hold` and `poms release`: launches that wait."""

from typing import Annotated

import typer

from poms.client import Client, following, pages, taken
from poms.command import names
from poms.command.desk import Desk
from poms.command.launching import Reason
from poms.generated.enums import Scope
from poms.generated.fragments import HoldPart, QueuedPart
from poms.generated.input_types import LaunchQueueFilter
from poms.transport import Refused

WHAT = "[EXPERIMENT/]CAMPAIGN[/STAGE], campaign:42, stage:7, or EXPERIMENT/ with a slash for all of it."
What = Annotated[str | None, typer.Argument(help=WHAT)]
Everything = Annotated[bool, typer.Option("--everything", help="All launches: for admins.")]


def join(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(queue)
    app.command()(hold)
    app.command()(release)


def queue(
    ctx: typer.Context,
    what: What = None,
    most: Annotated[int, typer.Option(min=1, help="How many launches.")] = 100,
) -> None:
    """List the launches that wait, in the order of their turns: each one's place in its stage, and all it waits for."""
    desk: Desk = ctx.obj
    found = desk.run(lambda api: _queue(api, what, most))
    if desk.json:
        desk.show(found, "")
    for each in found:
        desk.say("\n  ".join(_lines(each)))


def _lines(of: QueuedPart) -> list[str]:
    """Which launch it is, and what it waits for."""
    name = f"{of.experiment.name}/{of.campaign.name}/{of.stage.name}{' (test)' * of.is_test}"
    which = f"{of.id}: {name}, {of.jobs_total} jobs, priority {of.priority}"
    if of.waiting is None:
        return [f"{which}, begins"]
    place = f"number {of.waiting.position} of its stage since {of.waiting.since:%Y-%m-%d %H:%M:%S}"
    return [f"{which}, {place}", *of.waiting.reasons]


async def _queue(api: Client, what: str | None, most: int) -> list[QueuedPart]:
    wanted = await _filter(api, what)

    async def page(after: str | None) -> tuple[list[QueuedPart], str | None]:
        found = (await api.launch_queue(min(most, 100), wanted, after)).launch_queue
        return list(found.nodes), following(found.page_info)

    found: list[QueuedPart] = []
    async for each in pages(page):
        found.append(each)
        if len(found) == most:
            break
    return found


async def _filter(api: Client, what: str | None) -> LaunchQueueFilter:
    if what is None:
        return LaunchQueueFilter()
    id = await names.whole(api, what)
    if id.startswith("experiment:"):
        return LaunchQueueFilter(experiment=what.rstrip("/"))
    return LaunchQueueFilter(
        campaign_id=id if id.startswith("campaign:") else None,
        stage_id=id if id.startswith("stage:") else None,
    )


def _one(what: str | None, *, everything: bool) -> None:
    if (what is None) != everything:
        raise typer.BadParameter("Name a stage, a campaign, an experiment/, or give --everything.")


def hold(
    ctx: typer.Context, reason: Reason, what: What = None, everything: Everything = False
) -> None:
    """Let launches of a stage, a campaign or an experiment wait, until they are released; jobs go on."""
    _one(what, everything=everything)
    desk: Desk = ctx.obj
    made = desk.run(lambda api: _hold(api, what, reason))
    desk.show(made, f"{made.id}: launches of {_named(made)} wait.")


async def _hold(api: Client, what: str | None, reason: str) -> HoldPart:
    id = None if what is None else await names.whole(api, what)
    return taken((await api.hold_launches(reason, id)).hold_launches, HoldPart)


def release(
    ctx: typer.Context,
    what: Annotated[str | None, typer.Argument(help=f"{WHAT} Or launch_hold:3.")] = None,
    everything: Everything = False,
) -> None:
    """Release what was held: launches that waited for it begin, by priority and age, as limits allow."""
    _one(what, everything=everything)
    desk: Desk = ctx.obj
    done = desk.run(lambda api: _release(api, what))
    desk.show(done, f"{done.id} is released: launches of {_named(done)} begin again.")


async def _release(api: Client, what: str | None) -> HoldPart:
    by_id = what is not None and what.startswith("launch_hold:")
    id = what if what is not None and by_id else await _hold_of(api, what)
    return taken((await api.release_launches(id)).release_launches, HoldPart)


async def _hold_of(api: Client, what: str | None) -> str:
    """The hold of exactly this; where launches wait for a wider one, which."""
    if what is None:
        scope, found = Scope.EVERYTHING, list((await api.launch_holds()).launch_holds)
    else:
        id = await names.whole(api, what)
        scope, node = Scope(id.partition(":")[0].upper()), (await api.holds_of(id)).node
        found = list(getattr(node, "launch_holds", ()))
    own = [each for each in found if each.scope is scope]
    if own:
        return own[0].id
    wider = "".join(f" {h.id} of {_named(h)} holds them: {h.reason}" for h in found)
    raise Refused(f"Launches of {what or 'everything'} are not held.{wider}")


def _named(of: HoldPart) -> str:
    return f"{of.scope.value.lower()} {of.name}".strip()
