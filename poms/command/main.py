"""The command itself: options that all parts have, and who is signed in."""

import asyncio
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer

from poms import session
from poms.client import Client
from poms.command import (
    campaigns,
    datasets,
    holding,
    launching,
    recovering,
    requests,
    tokens,
    uploads,
    watching,
)
from poms.command.console import CommandConsole, ExitCode, print_error
from poms.generated.me import Me
from poms.session import Session
from poms.transport import OperationRefused

USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""What typer raises where a command is used wrongly: of a click of its own, of which it shows only what is below it."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run large computing campaigns. Sign in first: poms login URL.",
    epilog="Exit codes: 0 done, 1 refused, 2 used wrongly, 3 unreachable, 4 not signed in, 5 over but not well.",
)
app.add_typer(campaigns.app, name="campaign")
app.add_typer(datasets.app, name="dataset")
app.add_typer(uploads.app, name="uploads")
app.add_typer(requests.app, name="request")
app.add_typer(tokens.app, name="token")
launching.add_commands(app)
holding.add_commands(app)
watching.add_commands(app)
recovering.add_command(app)


def _print_version(*, wanted: bool) -> None:
    if wanted:
        try:
            print(version("poms"))  # noqa: T201 - the command's answer
        except PackageNotFoundError:
            print("not installed")  # noqa: T201
        raise typer.Exit


@app.callback()
def read_common_options(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")] = False,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say which it is."),
    ] = False,
) -> None:
    """Options that stand before the command."""
    ctx.obj = CommandConsole.of(as_json=as_json)


@app.command("login")
def log_in(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="Where POMS is, such as https://poms.example.org.")],
) -> None:
    """Keep an address and a token, which is asked for or read from standard input."""
    console: CommandConsole = ctx.obj
    asked = sys.stdin.isatty()
    token = typer.prompt("Token", hide_input=True) if asked else sys.stdin.readline()
    fresh = Session(url.rstrip("/"), token.strip())

    async def check(_: object = None) -> Me:
        async with Client(fresh.url, fresh.token, patience_s=0) as api:
            return await api.me()

    me = console.run_guarded(lambda: asyncio.run(check()))
    file = session.save_session(fresh)
    console.show(me, f"Signed in as {me.viewer.person.username}; kept in {file}.")


@app.command("whoami")
def show_identity(ctx: typer.Context) -> None:
    """Say who is signed in, and with which roles."""
    console: CommandConsole = ctx.obj
    me = console.run(lambda api: api.me())
    roles = [f"{m.role.value.lower()} in {m.experiment.name}" for m in me.viewer.memberships]
    roles += ["admin of the service"] if me.viewer.is_admin else []
    console.show(me, f"{me.viewer.person.username}: {', '.join(roles) or 'no roles yet'}")


def main() -> None:
    """The entry point of `poms`."""
    if "--json" not in sys.argv:
        app()
    try:
        code = app(standalone_mode=False)
    except USAGE_ERROR as error:
        print_error(ExitCode.USED_WRONGLY, OperationRefused(error.format_message()))
        code = ExitCode.USED_WRONGLY
    except typer.Abort:
        print_error(ExitCode.REFUSED, OperationRefused("It was not confirmed: give --yes."))
        code = ExitCode.REFUSED
    sys.exit(code or 0)
