"""What the files of one launch are called, all of them together: `%(dataset)s`, and a name that can be looked up.

No two launches have the same name. What another dataset is called already gets a number behind a dot.
"""

from collections.abc import Sequence

from domain.names import RESERVED

MOST_CANDIDATES = 50


def name_slice(dataset: str, stage_id: int, number: int, *, is_test: bool) -> str:
    """The name of a slice of a dataset; `number` is counted for each stage, and never comes again.

    What the stages upstream have made is a dataset without a name of its own.
    """
    base = "poms" if dataset.startswith(RESERVED) else dataset
    return f"{base}_{'test' if is_test else 'slice'}{number}_stage{stage_id}"


def name_dependent_slice(made: str, trigger_no: int) -> str:
    """The name of a slice of what a submission made for a dependency; several launches may follow from it."""
    return f"{made}_{trigger_no + 1}" if trigger_no else made


def name_recovery(origin_id: int, number: int) -> str:
    """The name of what a recovery takes; `number` is the recovery's among those of its origin, from 1."""
    return f"poms_recover_{origin_id}_{number}"


def list_candidates(name: str) -> Sequence[str]:
    """The name, and what a launch takes in its place where a dataset has it."""
    return [name, *(f"{name}.{more}" for more in range(2, MOST_CANDIDATES + 1))]
