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
from poms.board import terminal
from poms.client import Client
from poms.transport import NotSignedIn, Refused, Unreachable

T = TypeVar("T")


class Code(IntEnum):
    """How a command ends."""

    DONE = 0
    REFUSED = 1
    USED_WRONGLY = 2
    UNREACHABLE = 3
    NOT_SIGNED_IN = 4
    NOT_WELL = 5


@dataclass(frozen=True, slots=True)
class Desk:
    """The options that all commands have, and where their words go."""

    json: bool
    out: Console
    err: Console

    @classmethod
    def of(cls, *, as_json: bool) -> "Desk":
        """The desk of this process."""
        return cls(as_json, terminal(), Console(stderr=True))

    def run(self, what: Callable[[Client], Awaitable[T]]) -> T:
        """Do something as who is signed in; what goes wrong ends the command with its code."""

        async def signed_in() -> T:
            known = session.read()
            async with Client(known.url, known.token) as api:
                return await what(api)

        return self.guarded(lambda: asyncio.run(signed_in()))

    def guarded(self, what: Callable[[], T]) -> T:
        """Do something; what goes wrong ends the command with its code."""
        try:
            return what()
        except NotSignedIn as error:
            self.end(Code.NOT_SIGNED_IN, str(error))
        except Refused as error:
            self.end(Code.REFUSED, str(error))
        except Unreachable as error:
            self.end(Code.UNREACHABLE, str(error))
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    def end(self, code: Code, said: str) -> NoReturn:
        """Say why, and end."""
        self.err.print(said, markup=False, style="red", soft_wrap=True)
        raise typer.Exit(code)

    def show(self, thing: Any, picture: object) -> None:
        """A thing for scripts, or its picture for people."""
        if self.json:
            print(json.dumps(jsonable(thing), default=str))  # noqa: T201 - the command's answer
        else:
            self.out.print(picture, soft_wrap=not isinstance(picture, Table))

    def say(self, text: str) -> None:
        """Something that only people want to know."""
        if not self.json:
            self.out.print(text, markup=False, soft_wrap=True)


def jsonable(thing: Any) -> Any:
    """As JSON has it, by the names of the API."""
    if isinstance(thing, BaseModel):
        return thing.model_dump(mode="json", by_alias=True)
    if isinstance(thing, list | tuple):
        return [jsonable(each) for each in thing]
    return thing


def rows(head: str, of: Iterable[Iterable[object]]) -> Table:
    """A plain table, with its columns' names in one text."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in head.split():
        table.add_column(name, no_wrap=True)
    for cells in of:
        table.add_row(*map(str, cells))
    return table
