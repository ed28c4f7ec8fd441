"""Faults on purpose: which jobs fail, and how. A job's fate follows from who it is and how often it was tried."""

import hashlib
import os
import signal
import sys
import time

KINDS = ("exit", "signal", "no_output", "truncated", "memory", "slow")
MOST_MB, MOST_S = 400, 60
CODES = (3, 4, 5)
UNSTOPPED = 9


def fault(identity, round_, share):
    """How this job fails in this round, or None; of round r, share^(r+1) of all jobs do, each kind as often."""
    digest = hashlib.sha256(f"{identity}/{round_}".encode()).digest()
    if int.from_bytes(digest[:8], "big") / 2**64 >= share ** (round_ + 1):
        return None
    return KINDS[int.from_bytes(digest[8:12], "big") % len(KINDS)]


def suffer(kind, identity):
    """Carry out the faults that end a program; the others are the program's own business."""
    if kind == "exit":
        sys.exit(complain(identity))
    if kind == "signal":
        print("tracker: reading the geometry", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "memory":
        swell()
    if kind == "slow":
        print("waiting for the conditions database", file=sys.stderr, flush=True)
        time.sleep(MOST_S)
    if kind in ("memory", "slow"):
        # Nobody stopped it: a limit that isn't enforced must not look like work well done.
        sys.exit(UNSTOPPED)


def complain(identity):
    """Say why, as real programs do: with names and numbers that differ from job to job."""
    code = CODES[hashlib.sha256(identity.encode()).digest()[0] % len(CODES)]
    said = {
        3: f"calibration for run {identity} not found after 3 attempts",
        4: f"geometry error in plane {code}: hit outside of the volume",
        5: f"lost connection to 10.0.0.{len(identity)}:5432",
    }
    print(said[code], file=sys.stderr, flush=True)
    return code


def swell():
    """Take more and more memory, slowly enough to be seen; stops by itself."""
    print("loading the magnetic field map", file=sys.stderr, flush=True)
    held = []
    while len(held) * 20 < MOST_MB:
        held.append(bytearray(os.urandom(1) * 20_000_000))
        time.sleep(0.08)
    time.sleep(2)


def share_of(words):
    """The number after `--faults=` among a program's words."""
    return next((float(w.partition("=")[2]) for w in words if w.startswith("--faults=")), 0.0)


def round_now():
    """How many submissions have tried this piece of work before."""
    return int(os.environ.get("POMS_RECOVERY_ROUND") or 0)
