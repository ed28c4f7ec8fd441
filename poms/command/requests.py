"""`poms request`: what is asked for, who has to agree to it, and agreeing."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from poms.client import Client, expect_result, find_next_cursor, iterate_pages
from poms.command.console import CommandConsole, make_table
from poms.command.launching import Reason
from poms.generated.enums import AskKind, RequestState
from poms.generated.fragments import RequestDetailPart
from poms.generated.input_types import (
    ApproveRequestInput,
    AskInput,
    CreateRequestInput,
    RequestsFilter,
)
from poms.generated.request_history import RequestHistoryRequestRevisions as Revision
from poms.transport import OperationRefused

app = typer.Typer(no_args_is_help=True, help="Ask for work, see who has to agree to it, and agree.")
NAME = re.compile(r"(?P<experiment>.+)-(?P<number>[1-9]\d{0,8})")
Named = Annotated[str, typer.Argument(help="Its name, such as nova-142.")]


async def find_request(api: Client, name: str) -> RequestDetailPart:
    """The request that people call so."""
    found = None
    if match := NAME.fullmatch(name):
        found = (await api.request_named(match["experiment"], int(match["number"]))).request_named
    if found is None:
        raise OperationRefused(f"There is no request {name!r} that you can see.")
    return found


@app.command("list")
def list_requests(
    ctx: typer.Context,
    experiment: Annotated[str | None, typer.Option(help="Only this experiment's.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Only those in such a state.")] = None,
    mine: Annotated[bool, typer.Option(help="Only those that you own.")] = False,
) -> None:
    """List requests, the newest first, and whom they wait for."""
    console: CommandConsole = ctx.obj
    if wrong := [each for each in state or () if each.upper() not in RequestState.__members__]:
        raise typer.BadParameter(f"There is no state {wrong[0]!r}.")
    states = [RequestState[each.upper()] for each in state] if state else None
    wanted = RequestsFilter(experiment=experiment, states=states, mine=mine)

    async def fetch(api: Client) -> list[RequestDetailPart]:
        async def page(after: str | None) -> tuple[list[RequestDetailPart], str | None]:
            found = (await api.requests(wanted, after)).requests
            return list(found.nodes), find_next_cursor(found.page_info)

        return [each async for each in iterate_pages(page)]

    found = console.run(fetch)
    cells = (
        (each.name, each.title, each.owner.username, each.state.value.lower(), _name_waiting(each))
        for each in found
    )
    console.show(found, make_table("name title owner state waits", cells))


def _name_waiting(of: RequestDetailPart) -> str:
    return ", ".join(sorted({each.rule for each in of.waiting_on if each.is_turn}))


@app.command("show")
def show_request(ctx: typer.Context, name: Named) -> None:
    """Show a request: what is wanted, who has agreed, and who has to."""
    console: CommandConsole = ctx.obj
    found = console.run(lambda api: find_request(api, name))
    console.show(found, "\n".join(_describe_request(found)))


def _describe_request(of: RequestDetailPart) -> list[str]:
    plan = of.campaign.name if of.campaign else "none yet"
    state = f"{of.state.value.lower()} since {of.state_since:%Y-%m-%d %H:%M}"
    lines = [
        f"{of.name}: {of.title}",
        f"{state}, revision {of.revision}, of {of.owner.username}",
        f"plan: {plan}; {of.cpu_hours_band} CPU hours",
    ]
    for ask in of.asks:
        wanted = f"{ask.events} events" if ask.dataset is None else f"dataset {ask.dataset}"
        lines.append(f"wants {wanted} {ask.software_version}".rstrip())
    for each in of.decisions:
        behalf = f" for {each.behalf_of.username}" if each.behalf_of else ""
        changed = f", but this has changed: {', '.join(p.value for p in each.changed_since)}"
        gone = ", taken back" if each.withdrawn_at else changed if each.changed_since else ""
        said = f": {each.comment}" if each.comment else ""
        who = f"{each.person.username}{behalf}"
        lines.append(
            f"{each.id} {each.at:%Y-%m-%d %H:%M} {who}: {each.kind.value.lower()}{gone}{said}"
        )
    return [*lines, *(f"waits: {each.reason}" for each in of.waiting_on)]


@app.command("create")
def create_request(
    ctx: typer.Context,
    experiment: Annotated[str, typer.Argument(help="The experiment's name.")],
    title: Annotated[str, typer.Argument(help="What it is about.")],
    purpose: Annotated[str, typer.Option(help="What it is for.")] = "",
    campaign: Annotated[str | None, typer.Option(help="The campaign that is its plan.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="A dataset to be processed.")] = None,
    events: Annotated[int | None, typer.Option(min=1, help="So many events to be made.")] = None,
    software: Annotated[str, typer.Option(help="With which software version.")] = "",
    cpu_hours: Annotated[float | None, typer.Option(min=0, help="How much it takes.")] = None,
) -> None:
    """Begin a request: a draft, which nobody is asked about before it is submitted."""
    console: CommandConsole = ctx.obj
    asks = [
        AskInput(kind=AskKind.DATASET, dataset=each, software_version=software)
        for each in dataset or ()
    ]
    if events:
        asks.append(AskInput(kind=AskKind.EVENTS, events=events, software_version=software))
    wanted = CreateRequestInput(
        experiment=experiment,
        title=title,
        purpose=purpose,
        campaign=campaign,
        cpu_hours=cpu_hours,
        asks=asks,
    )

    async def create(api: Client) -> RequestDetailPart:
        return _expect_request((await api.create_request(wanted)).create_request)

    _show_state(console, console.run(create))


def _expect_request(answer: Any) -> RequestDetailPart:
    found: RequestDetailPart = expect_result(answer, RequestDetailPart)
    return found


def _show_state(console: CommandConsole, of: RequestDetailPart) -> None:
    is_asked = of.state not in (RequestState.DRAFT, RequestState.RETURNED)
    waits = [each.reason for each in of.waiting_on] if is_asked else []
    console.show(of, "\n  ".join([f"{of.name} is {of.state.value.lower()}.", *waits]))


def _ask_of_request(
    ctx: typer.Context, name: str, ask: Callable[[Client, str], Awaitable[BaseModel]]
) -> None:
    """Have something done to a request by a mutation of it, and show how it is then."""
    console: CommandConsole = ctx.obj

    async def carry_out(api: Client) -> RequestDetailPart:
        answer = await ask(api, (await find_request(api, name)).id)
        (result,) = dict(answer).values()  # the mutation's one field
        return _expect_request(result)

    _show_state(console, console.run(carry_out))


@app.command("submit")
def submit_request(ctx: typer.Context, name: Named) -> None:
    """Ask those to agree who have to."""
    _ask_of_request(ctx, name, lambda api, id: api.submit_request(id))


@app.command("approve")
def approve_request(
    ctx: typer.Context,
    name: Named,
    plan_hash: Annotated[
        str | None,
        typer.Option(
            "--hash", help="Its planHash as you saw it; without it you are shown it and asked."
        ),
    ] = None,
    comment: Annotated[str, typer.Option(help="What there is to say to it.")] = "",
    behalf_of: Annotated[
        str | None, typer.Option("--for", help="For whom, as their delegate.")
    ] = None,
) -> None:
    """Agree to a request as it is."""
    console: CommandConsole = ctx.obj
    shown = console.run(lambda api: find_request(api, name))
    if plan_hash is None:
        console.say("\n".join(_describe_request(shown)))
        typer.confirm("Do you agree to it as it is?", abort=True, err=True)
    given = ApproveRequestInput(
        id=shown.id, plan_hash=plan_hash or shown.plan_hash, comment=comment, behalf_of=behalf_of
    )

    async def approve(api: Client) -> RequestDetailPart:
        return _expect_request((await api.approve_request(given)).approve_request)

    _show_state(console, console.run(approve))


@app.command("return")
def return_request(ctx: typer.Context, name: Named, reason: Reason) -> None:
    """Have a request changed before anybody agrees."""
    _ask_of_request(ctx, name, lambda api, id: api.return_request(id, reason))


@app.command("reject")
def reject_request(ctx: typer.Context, name: Named, reason: Reason) -> None:
    """Say that a request will not be done."""
    _ask_of_request(ctx, name, lambda api, id: api.reject_request(id, reason))


@app.command("withdraw")
def withdraw_decision(
    ctx: typer.Context,
    decision: Annotated[str, typer.Argument(help="Its id, such as request_decision:7.")],
    reason: Reason,
) -> None:
    """Take your agreement back."""
    console: CommandConsole = ctx.obj

    async def withdraw(api: Client) -> RequestDetailPart:
        return _expect_request((await api.withdraw_decision(decision, reason)).withdraw_decision)

    _show_state(console, console.run(withdraw))


@app.command("cancel")
def cancel_request(ctx: typer.Context, name: Named, reason: Reason) -> None:
    """Say that nobody wants it any more: its campaign launches nothing more."""
    _ask_of_request(ctx, name, lambda api, id: api.cancel_request(id, reason))


@app.command("history")
def show_history(ctx: typer.Context, name: Named) -> None:
    """Show what a request was: each revision with who has changed it, the newest first."""
    console: CommandConsole = ctx.obj

    async def fetch(api: Client) -> Sequence[Revision]:
        id = (await find_request(api, name)).id
        return (await api.request_history(id)).request_revisions

    found = console.run(fetch)
    cells = (
        (
            each.number,
            f"{each.at:%Y-%m-%d %H:%M:%S}",
            each.author.username if each.author else "",
            each.campaign_revision or "",
            each.plan_hash[:12],
            each.comment,
        )
        for each in found
    )
    console.show(found, make_table("revision at author campaign hash comment", cells))
