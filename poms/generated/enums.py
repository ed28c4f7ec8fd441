from enum import Enum


class Completion(str, Enum):
    COMPLETE = "COMPLETE"
    LOCATED = "LOCATED"


class Consumption(str, Enum):
    PAYLOAD = "PAYLOAD"
    EXIT_CODE = "EXIT_CODE"


class DeadlineFrom(str, Enum):
    LAUNCH = "LAUNCH"
    COMPLETED = "COMPLETED"


class FindingLevel(str, Enum):
    REFUSED = "REFUSED"
    DRAFT = "DRAFT"
    WARNING = "WARNING"


class HostKind(str, Enum):
    LOCAL = "LOCAL"
    SSH = "SSH"


class JobKind(str, Enum):
    PAYLOAD = "PAYLOAD"
    SCRIPT = "SCRIPT"


class Role(str, Enum):
    ANALYSIS = "ANALYSIS"
    SHIFTER = "SHIFTER"
    PRODUCTION = "PRODUCTION"
    SUPERUSER = "SUPERUSER"


class Scope(str, Enum):
    STAGE = "STAGE"
    CAMPAIGN = "CAMPAIGN"
    EXPERIMENT = "EXPERIMENT"
    EVERYTHING = "EVERYTHING"


class StageEffect(str, Enum):
    ADDED = "ADDED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    DEACTIVATED = "DEACTIVATED"


class StageKind(str, Enum):
    REGULAR = "REGULAR"
    GENERATOR = "GENERATOR"
    APPROVAL = "APPROVAL"
    DATATRANSFER = "DATATRANSFER"
    TEST = "TEST"


class SubmissionState(str, Enum):
    QUEUED = "QUEUED"
    NEW = "NEW"
    SUBMITTING = "SUBMITTING"
    UNCERTAIN = "UNCERTAIN"
    IDLE = "IDLE"
    RUNNING = "RUNNING"
    HELD = "HELD"
    COMPLETED = "COMPLETED"
    LOCATED = "LOCATED"
    LAUNCH_FAILED = "LAUNCH_FAILED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REMOVED = "REMOVED"


class WaitingKind(str, Enum):
    INACTIVE = "INACTIVE"
    LAUNCH_HOLD = "LAUNCH_HOLD"
    LIMIT = "LIMIT"
    TURN = "TURN"


class Why(str, Enum):
    WAITING = "WAITING"
    UNFINISHED = "UNFINISHED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    JOB_FAILED = "JOB_FAILED"
    NO_OUTPUT = "NO_OUTPUT"
    ADDED = "ADDED"
    AGAIN = "AGAIN"
    DONE = "DONE"
    OTHER = "OTHER"
    DONE_ELSEWHERE = "DONE_ELSEWHERE"
    LIVE_ELSEWHERE = "LIVE_ELSEWHERE"
