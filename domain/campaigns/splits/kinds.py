"""The ways of splitting, as data: what each is called, what it takes, and its rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from domain.campaigns.splits import files, generators, parameters
from domain.campaigns.splits.parameters import SplitParameter
from domain.campaigns.splits.queries import Arguments, SplitSource, Steps
from domain.campaigns.splits.windows import take_window

Rule = Callable[[Arguments, int, SplitSource], Steps]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitKind:
    """One way of splitting."""

    parameters: Mapping[str, SplitParameter] = field(default_factory=dict)
    """By name, in the order in which they may also be given without."""
    of_files: Rule | None = None
    of_generators: Rule | None = None
    exclusive: bool = True
    """Each file is in one slice of an epoch at most."""
    waits: bool = False
    """When nothing is left there may be more later, without anything being added."""
    anew: tuple[str, ...] = ()
    """Parameters with other values of which the cursor says nothing any more."""
    same_as: str | None = None
    """The name that it has in comparisons, where that is another one."""
    needs: str | None = None
    """What files must have said of themselves, or are left out."""
    refuses: Callable[[Arguments], str | None] = lambda _: None
    """What is wrong with the parameters together."""

    @property
    def for_files(self) -> bool:
        """Cuts datasets."""
        return self.of_files is not None

    @property
    def for_generators(self) -> bool:
        """Cuts what generators can make."""
        return self.of_generators is not None


def _check_run_range(arguments: Arguments) -> str | None:
    low, high = arguments["low"], arguments["high"]
    return None if low < high else f"There is no run from {low} to below {high}."


def _check_window(arguments: Arguments) -> str | None:
    return None if arguments["window"] >= arguments["round"] else "round is longer than window."


WINDOWS: Mapping[str, SplitParameter] = {
    "window": parameters.make_duration_parameter(604_800),
    "round": parameters.make_duration_parameter(1),
    "fts": parameters.make_duration_parameter(1_800, least=0),
    "localtime": parameters.make_number_parameter(0, 1, 0),
    "firsttime": parameters.make_moment_parameter(),
    "lasttime": parameters.make_moment_parameter("now"),
    "zone": parameters.ZONE,
}
BY_N = {"n": parameters.COUNT}
NEW = SplitKind(
    parameters=WINDOWS, of_files=take_window, waits=True, same_as="new", refuses=_check_window
)
MOD = SplitKind(
    parameters={"m": parameters.COUNT}, of_files=files.take_bucket, anew=("m",), same_as="mod"
)

JOIN = parameters.make_choice_parameter("lineage", "parameter", "key", "number", "order")

KINDS: Mapping[str, SplitKind] = {
    "none": SplitKind(of_files=files.take_rest, of_generators=generators.take_endlessly),
    "nfiles": SplitKind(parameters=BY_N, of_files=files.take_n_files),
    "drainingn": SplitKind(parameters=BY_N, of_files=files.take_n_files, same_as="nfiles"),
    "draining": SplitKind(of_files=files.take_whole_dataset, exclusive=False),
    "limitn": SplitKind(parameters=BY_N, of_files=files.take_first_n, exclusive=False),
    "nbytes": SplitKind(
        parameters={"b": parameters.make_size_parameter()}, of_files=files.make_weight_rule("bytes")
    ),
    "nevents": SplitKind(
        parameters={"n": parameters.make_number_parameter(1, parameters.MOST_EVENTS, needed=True)},
        of_files=files.make_weight_rule("events"),
        of_generators=generators.take_n_events,
    ),
    "mod": MOD,
    "stride": MOD,
    "byrun": SplitKind(
        parameters={
            "low": parameters.make_number_parameter(0, parameters.MOST_RUN, 1),
            "high": parameters.make_number_parameter(0, parameters.MOST_RUN, 999_999),
        },
        of_files=files.take_run,
        needs="run",
        refuses=_check_run_range,
    ),
    "joined": SplitKind(parameters={"by": JOIN}, of_files=files.take_joined),
    "byexistingruns": SplitKind(of_files=files.take_existing_run, needs="run"),
    "new": NEW,
    "new_local": replace(
        NEW, parameters={**WINDOWS, "localtime": parameters.make_number_parameter(0, 1, 1)}
    ),
    "stagedfiles": SplitKind(
        parameters={"k": parameters.COUNT}, of_files=files.take_staged, waits=True, needs="staged"
    ),
    "list": SplitKind(of_generators=generators.take_next_entry),
    "multiparam": SplitKind(of_generators=generators.take_next_combination),
}
"""`drainingn` differs from `nfiles` where files leave a dataset; ours only grow, at the end."""
