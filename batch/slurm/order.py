"""What a launch is in Slurm's words: a set of arrays, held, that together have a task for each job."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from batch import BatchRefused, Launch
from batch.directory import read_start_script
from batch.files import read_plain
from batch.slurm.access import SlurmAccess

_SCRIPT = Path(__file__).with_name("job.sh")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@:,=-]+")
_MOST_RECORD = 10_000
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"(?P<mark>[^:]+):(?P<set>[0-9a-f]+):(?P<base>\d+):(?P<arrays>\d+)")
_NATIVE_ID = re.compile(r"(\d{1,10}(?:\+\d{1,10})*)@([0-9a-f]+)", re.ASCII)


class ArrayName(NamedTuple):
    """What an array's name says: whose it is, of which submission (duplicates have one mark) and which part of it."""

    mark: str
    set: str
    base: int
    """What is added to a task's id to get its job's number."""
    arrays: int
    """How many arrays the whole set has."""

    def __str__(self) -> str:
        return ":".join(map(str, self))


def parse_array_name(text: str) -> ArrayName | None:
    """The name of one of our arrays."""
    found = _NAME.fullmatch(text)
    return found and ArrayName(
        found["mark"], found["set"], int(found["base"]), int(found["arrays"])
    )


class NativeId(NamedTuple):
    """What one submission is called: its arrays and its set, as a controller that was killed gives job ids again."""

    arrays: tuple[int, ...]
    set: str

    def __str__(self) -> str:
        return f"{'+'.join(map(str, self.arrays))}@{self.set}"


def parse_slurm_id(text: str) -> NativeId | None:
    """What `71+72@ab12cd34` stands for."""
    found = _NATIVE_ID.fullmatch(text)
    return found and NativeId(tuple(map(int, found[1].split("+"))), found[2])


def group_by_submission(names: Mapping[int, ArrayName]) -> dict[str, dict[int, ArrayName]]:
    """Arrays by the submission that they are of."""
    found: dict[str, dict[int, ArrayName]] = {}
    for array, name in sorted(names.items()):
        found.setdefault(name.set, {})[array] = name
    return found


def is_whole(names: Mapping[int, ArrayName]) -> bool:
    """Whether these are all arrays of their submission."""
    return len(names) == next(iter(names.values())).arrays


def format_slurm_id(names: Mapping[int, ArrayName]) -> str:
    """The native id of a submission."""
    return str(NativeId(tuple(sorted(names)), next(iter(names.values())).set))


@dataclass(frozen=True, slots=True)
class JobBlock:
    """The jobs that one array has: numbers from `base` on."""

    base: int
    tasks: Sequence[int]


def divide_into_blocks(numbers: Iterable[int], size: int) -> list[JobBlock]:
    """Divide jobs into arrays none of whose task ids reaches `size`."""
    found: dict[int, list[int]] = {}
    for number in sorted(numbers):
        found.setdefault(number // size * size, []).append(number % size)
    return [JobBlock(base, tasks) for base, tasks in found.items()]


def format_ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as Slurm writes them: 1-3,7."""
    cuts = [0, *(n for n, (a, b) in enumerate(pairwise(numbers), 1) if b != a + 1), len(numbers)]
    runs = [(numbers[first], numbers[end - 1]) for first, end in pairwise(cuts)]
    return ",".join(f"{a}-{b}" if a != b else f"{a}" for a, b in runs)


def locate_task_log(directory: Path, base: int, task: int | str) -> Path:
    """What a task says besides its payload: of it, Slurm's own words."""
    return directory / f"slurm/{base}-{task}.log"


def note_record(directory: Path, state: str) -> None:
    """Note what the cluster's record was like before the launch; what is noted stays."""
    # Jobs, of other launches too, may write into that folder: no link that lies there is followed.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with (
        suppress(FileExistsError),
        os.fdopen(os.open(_locate_record(directory), flags), "w") as file,
    ):
        file.write(state)


def read_record(directory: Path) -> str:
    """What was noted; raises OSError where nothing is, or no plain file."""
    return read_plain(_locate_record(directory), _MOST_RECORD).decode(errors="replace")


def _locate_record(directory: Path) -> Path:
    return directory / "slurm/record"


def build_sbatch_command(
    launch: Launch, access: SlurmAccess, name: ArrayName, tasks: Sequence[int]
) -> list[str]:
    """How one array of a launch is submitted."""
    directory, asked, options = launch.directory.absolute(), launch.resources, launch.options
    if not _PLAIN_PATH.fullmatch(str(directory)):
        raise BatchRefused(f"Slurm is not given a launch directory of this name: {directory}")
    told = " ".join([launch.name, *(f"{k}={v}" for k, v in launch.attributes.items())])
    where = {
        "partition": options.partition or access.partition,
        "account": options.account or access.account,
        "qos": options.qos or access.qos,
    }
    return [
        *("sbatch", "--parsable", "--hold", "--requeue", "--export=NIL", "--open-mode=append"),
        f"--job-name={name}",
        f"--comment={_UNPRINTABLE.sub(' ', told)} POMS_MARK={launch.mark}",
        f"--array={format_ranges(tasks)}",
        f"--chdir={directory}",
        f"--output={locate_task_log(directory, name.base, '%a')}",
        f"--nice={max(0, access.nice - launch.priority)}",
        f"--cpus-per-task={asked.cpus}",
        f"--mem={max(asked.memory_mb, 1)}M",
        *([f"--time={-(-asked.walltime_s // 60)}"] if asked.walltime_s > 0 else []),
        *(f"--{option}={value}" for option, value in where.items() if value),
        *_list_container_options(options.container),
        f"{directory}/job.sh",
        str(directory),
        str(name.base),
    ]


def _list_container_options(container: str) -> Iterator[str]:
    if container:
        yield f"--container={container}"


def put_script(directory: Path) -> None:
    """Add what Slurm starts to a launch directory, and a folder for logs; whole or not at all."""
    # Who runs the jobs writes there: as for what the payload writes, our umask says who may.
    locate_task_log(directory, 0, 0).parent.mkdir(exist_ok=True)
    fd, part = tempfile.mkstemp(prefix=".", dir=directory)
    with os.fdopen(fd, "wb") as file:
        file.write(read_start_script(_SCRIPT).encode())
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    os.rename(part, directory / "job.sh")
