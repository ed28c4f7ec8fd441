"""`poms token`: what scripts show to be let in, in somebody's name."""

from typing import Annotated

import typer

from poms.client import Client, expect_result, find_next_cursor, iterate_pages
from poms.command.console import CommandConsole, make_table
from poms.generated.create_service_token import (
    CreateServiceTokenCreateServiceTokenServiceTokenCreated as Created,
)
from poms.generated.enums import TokenScope
from poms.generated.fragments import ServiceTokenPart
from poms.generated.revoke_service_token import (
    RevokeServiceTokenRevokeServiceTokenServiceTokenRevoked as Revoked,
)
from poms.transport import OperationRefused

app = typer.Typer(
    no_args_is_help=True,
    help="Tokens for scripts: each is good in one experiment, for some scopes, and never for more than you may there.",
)
Experiment = Annotated[str, typer.Argument(help="The experiment's name.")]
SCOPES = "What for, each once: read (every token may), launch, operate, report (tell of files)."


@app.command("create")
def create_token(
    ctx: typer.Context,
    experiment: Experiment,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help=SCOPES)] = ["read"],  # noqa: B006 - typer reads it once
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it holds.")] = 90,
) -> None:
    """Make a token, and print it this once: it is kept nowhere."""
    console: CommandConsole = ctx.obj
    if wrong := [each for each in scope if each.upper() not in TokenScope.__members__]:
        raise typer.BadParameter(f"There is no scope {wrong[0]!r}.")
    scopes = [TokenScope[each.upper()] for each in scope]

    async def create(api: Client) -> Created:
        made = (await api.create_service_token(experiment, name, scopes, days)).create_service_token
        return expect_result(made, Created)

    made = console.run(create)
    if made.token is None:
        why = "The answer with the token was lost on its way: revoke it, and make another one."
        raise OperationRefused(f"{made.service_token.id} is made. {why}")
    console.show(made, made.token)


@app.command("list")
def list_tokens(ctx: typer.Context, experiment: Experiment) -> None:
    """List your tokens in an experiment, the newest first; superusers see everybody's."""
    console: CommandConsole = ctx.obj

    async def fetch(api: Client) -> list[ServiceTokenPart]:
        async def page(after: str | None) -> tuple[list[ServiceTokenPart], str | None]:
            found = (await api.service_tokens(experiment, after)).service_tokens
            if found is None:
                raise OperationRefused(f"There is no experiment {experiment!r}.")
            return list(found.nodes), find_next_cursor(found.page_info)

        return [each async for each in iterate_pages(page)]

    found = console.run(fetch)
    columns = "id name owner scopes expires used revoked"
    console.show(found, make_table(columns, [_list_cells(each) for each in found]))


def _list_cells(token: ServiceTokenPart) -> list[object]:
    scopes = ",".join(scope.value.lower() for scope in token.scopes)
    times = token.expires_at, token.last_used_at or "never", token.revoked_at or ""
    return [token.id, token.name, token.owner.username, scopes, *times]


@app.command("revoke")
def revoke_token(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="Its id, such as service_token:7.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the change.")],
) -> None:
    """Make a token good for nothing, and close what was opened with it."""
    console: CommandConsole = ctx.obj

    async def revoke(api: Client) -> Revoked:
        gone = (await api.revoke_service_token(token, reason)).revoke_service_token
        return expect_result(gone, Revoked)

    gone = console.run(revoke)
    was = "" if gone.changed else ", and was already"
    console.show(gone, f"{gone.service_token.name} is revoked{was}.")
