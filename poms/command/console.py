"""What every command works with: the session, the terminal, and how things end."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NoReturn, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from poms import session
from poms.client import Client
from poms.progress_view import PlainConsole, make_terminal
from poms.transport import OperationRefused, ServiceUnreachable, TokenRejected

T = TypeVar("T")


class ExitCode(IntEnum):
    """How a command ends."""

    DONE = 0
    REFUSED = 1
    USED_WRONGLY = 2
    UNREACHABLE = 3
    NOT_SIGNED_IN = 4
    NOT_WELL = 5
    FAILED = 6
    NOTHING_TO_DO = 7


@dataclass(frozen=True, slots=True)
class CommandConsole:
    """The options that all commands have, and where their words go."""

    json: bool
    out: Console
    err: Console

    @classmethod
    def of(cls, *, as_json: bool) -> "CommandConsole":
        """The desk of this process."""
        return cls(as_json, make_terminal(), PlainConsole(stderr=True))

    def run(self, what: Callable[[Client], Awaitable[T]]) -> T:
        """Do something as who is signed in; what goes wrong ends the command with its code."""

        async def signed_in() -> T:
            known = session.read_session()
            async with Client(known.url, known.token) as api:
                return await what(api)

        return self.run_guarded(lambda: asyncio.run(signed_in()))

    def run_guarded(self, what: Callable[[], T]) -> T:
        """Do something; what goes wrong ends the command with its code."""
        try:
            return what()
        except TokenRejected as error:
            self.end(ExitCode.NOT_SIGNED_IN, str(error))
        except OperationRefused as error:
            if self.json:
                print_error(ExitCode.REFUSED, error)
                raise typer.Exit(ExitCode.REFUSED) from None
            self.end(ExitCode.REFUSED, str(error))
        except ServiceUnreachable as error:
            self.end(ExitCode.UNREACHABLE, str(error))
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    def end(self, code: ExitCode, said: str, *, is_answered: bool = False) -> NoReturn:
        """Say why, and end; `is_answered`: what scripts were answered says it already."""
        if self.json and not is_answered:
            print_error(code, OperationRefused(said))
        elif not self.json:
            self.err.print(said, style="red", soft_wrap=True)
        raise typer.Exit(code)

    def show(self, thing: Any, picture: object) -> None:
        """A thing for scripts, or its picture for people."""
        if self.json:
            print(json.dumps(convert_to_json_value(thing), default=str))  # noqa: T201 - the command's answer
        else:
            self.out.print(picture, soft_wrap=not isinstance(picture, Table))

    def say(self, text: str) -> None:
        """Something that only people want to know."""
        if not self.json:
            self.out.print(text, soft_wrap=True)


def print_error(code: ExitCode, error: OperationRefused) -> None:
    """Print why a command ended as it did, for scripts: always in this shape, on standard output."""
    said = {
        "code": code.name,
        "exitCode": code.value,
        "problem": error.problem,
        "message": error.message,
        "findings": convert_to_json_value(list(error.findings)),
    }
    print(json.dumps({"error": said}, default=str), flush=True)  # noqa: T201 - the command's answer


def convert_to_json_value(thing: Any) -> Any:
    """As JSON has it, by the names of the API."""
    if isinstance(thing, BaseModel):
        return thing.model_dump(mode="json", by_alias=True)
    if isinstance(thing, list | tuple):
        return [convert_to_json_value(each) for each in thing]
    return thing


def make_table(head: str, of: Iterable[Iterable[object]]) -> Table:
    """A plain table, with its columns' names in one text."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in head.split():
        table.add_column(name, no_wrap=True)
    for cells in of:
        table.add_row(*map(str, cells))
    return table
