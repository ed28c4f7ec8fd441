"""From what a job's outputs were made: its inputs, or other outputs of it, and in how many steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_GENERATIONS = 10
"""How many steps an output may be below its inputs."""
MOST_ANCESTORS = 2_000_000
"""How many ancestors the outputs of one job may have, each counted on each way to it."""


class TooManyAncestors(Exception):
    """The outputs of a job are said to be made from each other in more ways than can be written down."""


@dataclass(frozen=True, slots=True)
class OutputParents:
    """Of what an output was made in one step."""

    parents: Sequence[int] = ()
    """Inputs of the job."""
    made_from: Sequence[str] = ()
    """Other outputs of the job, by name."""


Generations = dict[int, frozenset[int]]
"""By the number of steps: the inputs that are just so far above; of what was made of nothing, none."""


def compute_generations(outputs: Mapping[str, OutputParents]) -> dict[str, Generations]:
    """How many steps each output is below the inputs: several numbers, if it was made on several ways.

    What is made of nothing, as a generator does, is one step below it. What is made in a ring, or in too many
    steps, has no generation. Raises TooManyAncestors.
    """
    found: dict[str, Generations] = {name: {} for name in outputs}
    level = {
        name: frozenset(made.parents)
        for name, made in outputs.items()
        if made.parents or not made.made_from
    }
    left = MOST_ANCESTORS
    for step in range(1, MOST_GENERATIONS + 1):
        for name, inputs in level.items():
            found[name][step] = inputs
        below: dict[str, frozenset[int]] = {}
        for name, made in outputs.items():
            if above := [level[parent] for parent in made.made_from if parent in level]:
                left -= sum(map(len, above)) + len(above)
                if left < 0:
                    raise TooManyAncestors("Its outputs have more ancestors than can be kept.")
                below[name] = frozenset[int]().union(*above)
        level = below
    return found
