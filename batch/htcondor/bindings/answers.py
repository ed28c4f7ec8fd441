"""What is asked for, line by line."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from . import clusters, looks, spool
from .schedd import ScheddRefused

CALLS: dict[str, Callable[..., Any]] = {
    "submit": clusters.submit_factory,
    "find": clusters.find_clusters,
    "marked": clusters.list_marked_clusters,
    "log": clusters.find_event_log,
    "open": clusters.open_gate,
    "act": clusters.act_on_jobs,
    "health": clusters.query_health,
    "jobs": looks.query_jobs,
    "ended": looks.query_job_history,
    "census": looks.query_job_numbers,
    "queued": clusters.is_cluster_queued,
    "open_spooled": spool.open_spooled_gate,
    "retrieve": spool.retrieve_sandboxes,
    "let_go": spool.release_jobs,
}


def answer_request(line: str) -> dict[str, Any]:
    """Do what one line asks for."""
    asked = json.loads(line)
    try:
        return {"said": CALLS[asked.pop("call")](**asked)}
    except ScheddRefused as wrong:
        return {"refused": str(wrong)}
    except Exception as wrong:
        return {"failed": f"{type(wrong).__name__}: {wrong}"}


def main() -> None:
    """Answer until nobody asks any more."""
    # HTCondor itself may say something on stdout, which is not an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(answer_request(line)) + "\n")
        answers.flush()
