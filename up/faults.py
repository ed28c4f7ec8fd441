"""What can be wrong with a machine, each said in one sentence that names the way out."""

from pathlib import Path


class SetupError(Exception):
    """Something that the person who started POMS can put right; the message says how."""


# What a log says, and what the person at the terminal should be told instead.
_KNOWN = (
    ("No space left on device", "The disk that holds {home} is full: free some space there."),
    ("Disk quota exceeded", "Your quota where {home} lies is used up: free some space there."),
    (
        "could not create shared memory segment",
        "The machine has no shared memory left for Postgres: see `df /dev/shm` and `ipcs -m`.",
    ),
    (
        "could not look up effective user ID",
        "PostgreSQL needs a user with a name, and yours has none in /etc/passwd: "
        "add one, or set POMS_DATABASE_URL to a server of yours.",
    ),
    ("could not map anonymous shared memory", "The machine has too little free memory."),
    ("Cannot allocate memory", "The machine has too little free memory."),
    ("Permission denied", "A file under {home} is not ours: `chown` it, or `make reset`."),
    ("error while loading shared libraries", "A system library is missing: see the lines above."),
)


def explain_fault(log: str, home: Path) -> str | None:
    """Find in a log the sentence that says what to do, if it is a fault that we know."""
    for words, sentence in _KNOWN:
        if words in log:
            return sentence.format(home=home)
    return None
