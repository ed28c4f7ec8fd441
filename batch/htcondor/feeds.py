"""The two ways in which a schedd's jobs are watched, read as one: event logs, and queries for what has no log."""

import json
import logging

from batch import BatchUnavailable, EventBatch
from batch.htcondor.feed import HTCondorFeed
from batch.htcondor.queries import QueryFeed
from batch.htcondor.recheck import HTCondorRecheck
from batch.journals import Places, parse_places

_log = logging.getLogger(__name__)
_QUERIES = ".queries"
"""What no mark begins with: the places of the journals among those of the logs."""


class CombinedFeeds:
    """Logs and journals, each with its own places."""

    def __init__(
        self,
        logs: HTCondorFeed,
        queries: QueryFeed,
        recheck: HTCondorRecheck,
        *,
        needs_queries: bool,
    ) -> None:
        self._logs, self._queries, self._needs_queries = logs, queries, needs_queries
        self._recheck = recheck

    def read(self, read_to: str | None, bound: int) -> EventBatch:
        """Up to `bound` events past both places (of one block of a log: all)."""
        places: Places = {}
        if read_to and _QUERIES in read_to:
            told = json.loads(read_to)
            places, read_to = parse_places(told.pop(_QUERIES, {})), json.dumps(told)
        logged = self._logs.read(read_to, bound)
        self._recheck.settle_doubts()
        self._ask()
        events, places = self._queries.read(places, bound - len(logged.events))
        text = logged.read_to
        if places:
            both = json.loads(text) | {_QUERIES: places}
            text = json.dumps(both, separators=(",", ":"), sort_keys=True)
        found = [*logged.events, *events]
        return EventBatch(found, text, behind=len(found) >= bound)

    def _ask(self) -> None:
        try:
            self._queries.ask_in_time()
        except BatchUnavailable as wrong:
            # Logs can be read all the same.
            if self._needs_queries:
                raise
            _log.warning("what has no log is not told of: %s", wrong)

    def look_back(self) -> None:
        """Take up again what was over."""
        self._logs.look_back()
        self._queries.journals.look_back()
