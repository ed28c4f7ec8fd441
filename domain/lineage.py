"""From what a job's outputs were made: its inputs, or other outputs of it, and in how many steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_GENERATIONS = 10
"""How many steps an output may be below its inputs."""


@dataclass(frozen=True, slots=True)
class Made:
    """Of what an output was made in one step."""

    parents: Sequence[int] = ()
    """Inputs of the job."""
    made_from: Sequence[str] = ()
    """Other outputs of the job, by name."""


Generations = dict[int, frozenset[int]]
"""By the number of steps: the inputs that are just so far above; of what was made of nothing, none."""


def generations(outputs: Mapping[str, Made]) -> dict[str, Generations]:
    """How many steps each output is below the inputs: several numbers, if it was made on several ways.

    What is made of nothing, as a generator does, is one step below it. What is made in a ring, or in too many
    steps, has no generation.
    """
    found: dict[str, Generations] = {name: {} for name in outputs}
    level = {
        name: frozenset(made.parents)
        for name, made in outputs.items()
        if made.parents or not made.made_from
    }
    for step in range(1, MOST_GENERATIONS + 1):
        for name, inputs in level.items():
            found[name][step] = inputs
        level = {
            name: frozenset[int]().union(*above)
            for name, made in outputs.items()
            if (above := [level[parent] for parent in made.made_from if parent in level])
        }
    return found
