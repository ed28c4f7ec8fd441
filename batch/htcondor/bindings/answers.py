"""What is asked for, line by line."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from . import clusters, looks, spool
from .schedd import Refused

CALLS: dict[str, Callable[..., Any]] = {
    "submit": clusters.submit,
    "find": clusters.find,
    "marked": clusters.marked,
    "log": clusters.log,
    "open": clusters.open_,
    "act": clusters.act,
    "health": clusters.health,
    "jobs": looks.jobs,
    "ended": looks.ended,
    "census": looks.census,
    "queued": clusters.queued,
    "open_spooled": spool.open_,
    "retrieve": spool.retrieve,
    "let_go": spool.let_go,
}


def answer(line: str) -> dict[str, Any]:
    """Do what one line asks for."""
    asked = json.loads(line)
    try:
        return {"said": CALLS[asked.pop("call")](**asked)}
    except Refused as wrong:
        return {"refused": str(wrong)}
    except Exception as wrong:
        return {"failed": f"{type(wrong).__name__}: {wrong}"}


def main() -> None:
    """Answer until nobody asks any more."""
    # HTCondor itself may say something on stdout, which is not an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(answer(line)) + "\n")
        answers.flush()
