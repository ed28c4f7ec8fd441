"""The ways of splitting, as data: what each is called, what it takes, and its rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from domain.splits import files, generators, parameters
from domain.splits.looks import Arguments, Source, Steps
from domain.splits.parameters import Parameter
from domain.splits.windows import new

Rule = Callable[[Arguments, int, Source], Steps]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way of splitting."""

    parameters: Mapping[str, Parameter] = field(default_factory=dict)
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


def _empty(arguments: Arguments) -> str | None:
    low, high = arguments["low"], arguments["high"]
    return None if low < high else f"There is no run from {low} to below {high}."


def _rounded(arguments: Arguments) -> str | None:
    return None if arguments["window"] >= arguments["round"] else "round is longer than window."


WINDOWS: Mapping[str, Parameter] = {
    "window": parameters.duration(604_800),
    "round": parameters.duration(1),
    "fts": parameters.duration(1_800, least=0),
    "localtime": parameters.number(0, 1, 0),
    "firsttime": parameters.moment(),
    "lasttime": parameters.moment("now"),
    "zone": parameters.ZONE,
}
BY_N = {"n": parameters.COUNT}
NEW = Kind(parameters=WINDOWS, of_files=new, waits=True, same_as="new", refuses=_rounded)
MOD = Kind(parameters={"m": parameters.COUNT}, of_files=files.mod, anew=("m",), same_as="mod")

JOIN = parameters.choice("lineage", "parameter", "key", "number", "order")

KINDS: Mapping[str, Kind] = {
    "none": Kind(of_files=files.rest, of_generators=generators.endless),
    "nfiles": Kind(parameters=BY_N, of_files=files.n_files),
    "drainingn": Kind(parameters=BY_N, of_files=files.n_files, same_as="nfiles"),
    "draining": Kind(of_files=files.draining, exclusive=False),
    "limitn": Kind(parameters=BY_N, of_files=files.limit_n, exclusive=False),
    "nbytes": Kind(parameters={"b": parameters.size()}, of_files=files.weighed("bytes")),
    "nevents": Kind(
        parameters={"n": parameters.number(1, parameters.MOST_EVENTS, needed=True)},
        of_files=files.weighed("events"),
        of_generators=generators.n_events,
    ),
    "mod": MOD,
    "stride": MOD,
    "byrun": Kind(
        parameters={
            "low": parameters.number(0, parameters.MOST_RUN, 1),
            "high": parameters.number(0, parameters.MOST_RUN, 999_999),
        },
        of_files=files.by_run,
        needs="run",
        refuses=_empty,
    ),
    "joined": Kind(parameters={"by": JOIN}, of_files=files.joined),
    "byexistingruns": Kind(of_files=files.by_existing_runs, needs="run"),
    "new": NEW,
    "new_local": replace(NEW, parameters={**WINDOWS, "localtime": parameters.number(0, 1, 1)}),
    "stagedfiles": Kind(
        parameters={"k": parameters.COUNT}, of_files=files.staged_files, waits=True, needs="staged"
    ),
    "list": Kind(of_generators=generators.one_list),
    "multiparam": Kind(of_generators=generators.multiparam),
}
"""`drainingn` differs from `nfiles` where files leave a dataset; ours only grow, at the end."""
