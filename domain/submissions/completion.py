"""When a submission's outputs are usable."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.campaigns.dependencies import convert_pattern_to_regex
from domain.campaigns.stages import Completion
from domain.setup.job_types import Consumption


class OutputSource(StrEnum):
    """Who tells what a submission made."""

    PAYLOAD = "payload"
    """POMS's payload, in which its jobs' program runs: each output is looked at."""
    CATALOG = "catalog"
    """The catalog that has its files: what was made from them is what it knows as their children."""
    NOBODY = "nobody"
    """There are exit codes alone: what it made is not known here, and never counts as missing or failed."""


def choose_output_source(consumption: Consumption) -> OutputSource:
    """Who tells the outputs of jobs whose files are accounted for so."""
    return {
        Consumption.PAYLOAD: OutputSource.PAYLOAD,
        Consumption.PROJECT: OutputSource.CATALOG,
        Consumption.EXIT_CODE: OutputSource.NOBODY,
    }[consumption]


@dataclass(frozen=True, slots=True)
class CompletionTally:
    """What is known of a submission (with its recoveries, if it is an origin) when its jobs are over.

    Counted are inputs, or of a generator its units: `wanted` those that were done, by it or its recoveries
    (of a generator: all), `located` those that have, for each pattern that is wanted, a located output.
    """

    completion: Completion
    percentage: int
    wanted: int
    located: int
    is_recovery: bool
    completed: bool = True
    """Its batch work is over as it should be, or that of one of its recoveries is."""
    tells_outputs: bool = True
    """Somebody tells what it makes; where there are exit codes alone, nobody does."""


def is_located(tally: CompletionTally) -> bool:
    """Enough of the expected outputs are there; nothing wanted is enough only for a recovery."""
    if tally.completion is Completion.COMPLETE or not tally.tells_outputs:
        return tally.completed
    if tally.wanted == 0:
        return tally.is_recovery
    return tally.located * 100 >= tally.wanted * tally.percentage


OUTPUTS_UNKNOWN = (
    "What it made is not known here, since its jobs tell nothing but exit codes:"
    " it counts as located because they are done."
)
ANY_NAME = "*"


def choose_patterns(of_dependencies: Sequence[str], of_job_type: Sequence[str]) -> list[str]:
    """For each of which every file needs an output: what the dependencies name, else the job type; else any will do."""
    return sorted({*of_dependencies} or {*of_job_type} or {ANY_NAME})


def compile_patterns(patterns: Sequence[str]) -> dict[str, str]:
    """Patterns by their regular expressions in Postgres: what two of them mean alike is wanted once."""
    return {convert_pattern_to_regex(pattern): pattern for pattern in patterns}
