"""Jobs of clusters that the runner does not have: those that are over, and those whose folder was lost."""

from collections.abc import Iterable
from typing import Any

from batch.local import attempts, processes
from batch.local.folder import CODE_PERSON, SITE, format_current_time, read_whole
from batch.local.journal import Line
from batch.local.runner import Runner
from domain.submissions.jobs import JobActionVerb, JobState

_LOST = "its cluster is not in the queue folder any more, and its payload left no report"


def tell_gone(runner: Runner, request: dict[str, Any]) -> None:
    """Say how such jobs ended; what nothing tells of is unknown, or removed if that is asked."""
    native_id = str(request["native_id"])
    for line in _answer_gone_cluster(runner, native_id, request):
        runner.journal.write(
            **{"at": format_current_time(), "site": SITE, **line, "native_id": native_id}
        )


def _answer_gone_cluster(runner: Runner, native_id: str, request: dict[str, Any]) -> Iterable[Line]:
    path = runner.folder.cluster(native_id)
    mark = read_whole(f"{path}/mark")
    if mark is not None:
        is_asked = request["verb"] != JobActionVerb.REMOVE and mark == request.get("mark", mark)
        return (read_whole(f"{path}/over") or {}).get("ends", ()) if is_asked else ()
    if "directory" not in request:
        return ()
    _end_rest(runner, native_id)
    lines = _tell_lost(request)
    if native_id in runner.lost:
        # It is looked up again and again, until somebody has decided: what is told is what is new.
        lines = [line for line in lines if line["state"] != JobState.UNKNOWN]
    runner.lost.add(native_id)
    return lines


def _end_rest(runner: Runner, native_id: str) -> None:
    """Nothing of it runs on: that it is gone is what its submission is told."""
    begins = f"{runner.folder.scratch}/{native_id}."
    processes.kill_carrying(lambda each: each.startswith(begins))
    for key in attempts.list_attempts(runner.folder):
        if key[0] == native_id:
            attempts.clean_attempt(runner.folder.attempt(*key), keep_log=False)


def _tell_lost(request: dict[str, Any]) -> Iterable[Line]:
    directory = str(request["directory"])
    begun = attempts.list_last_attempts(directory)
    is_removal = request["verb"] == JobActionVerb.REMOVE
    for number in request["jobs"]:
        attempt = begun.get(number, 0)
        line = {"number": number, "attempt": attempt}
        told = attempts.read_reported_ending(directory, number, attempt)
        if told is not None:
            yield line | attempts.end_of(told)
        elif is_removal:
            wanted = request.get("numbers")
            if wanted is None or number in wanted:
                text = request.get("reason", "")
                yield line | {"state": JobState.REMOVED, "code": CODE_PERSON, "text": text}
        else:
            yield line | {"state": JobState.UNKNOWN, "text": _LOST}
