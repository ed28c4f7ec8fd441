"""What a launch is in HTCondor's words: one cluster, a gate, an item for each job."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from batch import BatchRefused, Launch
from batch.directory import read_start_script
from batch.htcondor import file_transfer
from batch.htcondor.access import HTCondorAccess
from domain.expressions import check_expression
from domain.setup.batch_options import is_ours

MEMORY, WALLTIME = 34, 46
"""HTCondor's hold codes for a limit; the first one is also our own subcode."""
TRANSFERS = (12, 13)
"""Its hold codes for outputs and inputs that could not be carried."""
HELD_FOR_GOOD = (
    f"JobStatus == 5 && (HoldReasonCode =?= {MEMORY} || HoldReasonCode =?= {WALLTIME}"
    f" || HoldReasonCode =?= 3 && HoldReasonSubCode =?= {MEMORY}"
    f" || HoldReasonCode =?= {TRANSFERS[0]} || HoldReasonCode =?= {TRANSFERS[1]})"
)
KEPT_S = 30 * 86400
"""How long a job that is over is kept by the schedd for us, at most."""
LEFT = (
    "POMS_GO =?= true && POMS_TOLD =!= true && (JobStatus == 3 || JobStatus == 4)"
    f" && time() - EnteredCurrentStatus < {KEPT_S}"
)
"""A job that has run is in the queue until its sandbox is here and its end is written down."""
_SCRIPT = Path(__file__).with_name("job.sh")
_WAIT_FOR_SCRIPT = (
    'n=; until [ -r ""$0/job.sh"" ] || [ ${#n} -ge 600 ] || { [ -d ""$0"" ] && [ ${#n} -ge 10 ]; }; '
    'do n=$n.; sleep 0.5; done; exec /bin/sh ""$0/job.sh"" ""$0"" ""$1""'
)
"""The launch directory may be away when a job starts: five minutes, as `wait_for_payload.py`."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@:,=-]+")


def locate_event_log(directory: Path) -> Path:
    """The event log of the clusters that were launched from a directory."""
    return directory / "htcondor/log"


def locate_returned_files(directory: Path) -> Path:
    """Where what comes back from a schedd is put first."""
    return directory / "htcondor/back"


def describe_submission(launch: Launch, access: HTCondorAccess) -> dict[str, str]:
    """The submit description; its items bring POMS_NUMBER."""
    directory = str(launch.directory.absolute())
    travels = access.carries or access.spools
    if not _PLAIN_PATH.fullmatch(directory):
        raise BatchRefused(f"HTCondor is not given a launch directory of this name: {directory!r}")
    if not launch.jobs or len(set(launch.jobs)) < len(launch.jobs) or min(launch.jobs) < 0:
        raise BatchRefused("a launch needs jobs, each with a number of its own")
    return {
        "universe": "vanilla",
        "executable": "/bin/sh",
        "transfer_executable": "false",
        "notification": "never",
        "priority": str(launch.priority),
        "job_max_vacate_time": "30",
        **(
            _describe_spooling(directory)
            if access.spools
            else _describe_event_log(directory, access)
        ),
        **(
            file_transfer.describe_transfer(directory)
            if travels
            else _describe_shared_filesystem(directory)
        ),
        **_describe_container(launch.options.container),
        **({"accounting_group": launch.accounting_group} if launch.accounting_group else {}),
        **_describe_limits(launch),
        **_describe_attributes(launch),
    }


def _describe_event_log(directory: str, access: HTCondorAccess) -> dict[str, str]:
    return {
        "initialdir": directory,
        "log": str(locate_event_log(Path(directory))),
        "max_idle": str(access.most_idle),
    }


def _describe_spooling(directory: str) -> dict[str, str]:
    return {
        "initialdir": str(locate_returned_files(Path(directory))),
        "leave_in_queue": LEFT,
        "My.POMS_WHOLE": "false",
    }


def _describe_shared_filesystem(directory: str) -> dict[str, str]:
    return {
        "arguments": f"\"-c '{_WAIT_FOR_SCRIPT}' {directory} $(POMS_NUMBER)\"",
        "should_transfer_files": "NO",
    }


def list_expressions(launch: Launch) -> dict[str, str]:
    """What the stage wants in ClassAd expressions of its own, which HTCondor has to read alone first."""
    wanted = {pair[0]: pair[1] for pair in launch.options.attributes}
    if ours := [name for name in wanted if is_ours(name)]:
        raise BatchRefused(f"the launch itself decides {ours[0]}")
    for name, text in wanted.items():
        if wrong := check_expression(text, constant=True):
            raise BatchRefused(f"{name}: {wrong}")
    if wrong := check_expression(launch.options.requirements or "true"):
        raise BatchRefused(f"requirements: {wrong}")
    if launch.options.requirements:
        wanted["requirements"] = launch.options.requirements
    return wanted


def _describe_container(container: str) -> dict[str, str]:
    return {"container_image": container} if container else {}


def _describe_limits(launch: Launch) -> dict[str, str]:
    asked, limits = launch.resources, {"periodic_remove": HELD_FOR_GOOD}
    limits["request_cpus"] = str(asked.cpus)
    limits["request_disk"] = f"{asked.disk_mb}MB"
    limits["request_memory"] = f"{max(asked.memory_mb, 1)}"
    if asked.memory_mb > 0:
        limits["periodic_hold"] = "JobStatus == 2 && MemoryUsage > RequestMemory"
        text = 'strcat("memory limit: used ", MemoryUsage, " of ", RequestMemory, " MB")'
        limits["periodic_hold_reason"] = text
        limits["periodic_hold_subcode"] = str(MEMORY)
    if asked.walltime_s > 0:
        limits["allowed_job_duration"] = str(asked.walltime_s)
    return limits


def _describe_attributes(launch: Launch) -> dict[str, str]:
    texts: Mapping[str, str] = {
        **launch.attributes,
        "JobBatchName": launch.name,
        "POMS_MARK": launch.mark,
    }
    wrong = [name for name in texts if not _NAME.fullmatch(name)]
    if wrong:
        raise BatchRefused(f"not the name of an attribute: {wrong[0]!r}")
    return {
        **{f"My.{name}": quote_text(text) for name, text in texts.items()},
        "My.POMS_GO": "false",
        "My.POMS_NUMBER": "$(POMS_NUMBER)",
        "job_machine_attrs": "GLIDEIN_Site",
        # Repeated in the event log with each event: what an attempt is, told by HTCondor itself.
        # By QDate the clock of the schedd is known; who acts on the job of another than its owner is named.
        "job_ad_information_attrs": "NumShadowStarts,MachineAttrGLIDEIN_Site0,QDate,Owner",
    }


def quote_text(text: str) -> str:
    """A ClassAd string that a submit description leaves alone."""
    plain = _UNPRINTABLE.sub(" ", text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + plain.replace("$", "$(DOLLAR)") + '"'


def put_script(directory: Path, *, travels: bool = False) -> None:
    """Add what HTCondor starts and carries to a launch directory, and folders for what comes back."""
    # Who runs the jobs writes there: as for what the payload writes, our umask says who may.
    folders = (locate_event_log(directory).parent, locate_returned_files(directory))
    for folder in (*folders, *(directory / name for name in file_transfer.COMES_BACK)):
        folder.mkdir(exist_ok=True)
    with _write_whole_file(directory / file_transfer.SCRIPT) as part:
        part.write_text(read_start_script(_SCRIPT))
    if travels:
        with _write_whole_file(directory / file_transfer.PACK) as part:
            file_transfer.pack_payload(directory, part)


@contextmanager
def _write_whole_file(path: Path) -> Iterator[Path]:
    """A file to be written, which gets its name when it is."""
    fd, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    yield Path(name)
    os.fchmod(fd, 0o644)
    os.fsync(fd)
    os.close(fd)
    os.rename(name, path)
