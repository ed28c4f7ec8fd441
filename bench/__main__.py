"""`python -m bench [NAME ...]`: measure ours and the peer alternately, and print the ratios."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager

from bench import joblog, jobs, page, previews, push, recovery, submitting
from bench.machines import Machines, machines
from bench.ratios import Line
from up.faults import SetupError

BENCHMARKS: Mapping[str, Callable[[Machines], Coroutine[None, None, list[Line]]]] = {
    "page": page.run,
    "jobs": jobs.run,
    "joblog": joblog.run,
    "submitting": submitting.run,
    "push": push.run,
    "previews": previews.run,
    "recovery": recovery.run,
}


def main(words: list[str]) -> int:
    """Run the benchmarks that are named, or all; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    names = parser.parse_args(words).names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"there is no {unknown[0]!r}: it is {', '.join(BENCHMARKS)}")
    with ended_by_signals(), machines() as found:
        missed = [line for name in names for line in measured(name, found) if line.missed]
    for line in missed:
        print(f"missed: {line.name}: {line.ratio:.2f}, aimed at {line.aim:g}")
    return 1 if missed else 0


def measured(name: str, found: Machines) -> list[Line]:
    """Run one benchmark and print its lines."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg()[:2])
    print(f"{name}: {os.cpu_count()} cores, load {load}", flush=True)
    began = time.monotonic()
    lines = asyncio.run(BENCHMARKS[name](found))
    for line in lines:
        print(f"  {line}", flush=True)
    print(f"  ({time.monotonic() - began:.0f} s)\n", flush=True)
    return lines


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end us as Ctrl-C does: with everything taken away again."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except SetupError as fault:
        sys.exit(str(fault))
    except KeyboardInterrupt:
        sys.exit(130)
