"""`python -m bench [NAME ...]`: measure ours and the peer alternately, and print the ratios."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager

from bench import (
    catalog_listings,
    joblog,
    jobs,
    listings,
    page,
    previews,
    progress,
    push,
    recovery,
    submitting,
)
from bench.machines import BenchMachines, start_machines
from bench.ratios import RatioLine
from up.faults import SetupError

BENCHMARKS: Mapping[str, Callable[[BenchMachines], Coroutine[None, None, list[RatioLine]]]] = {
    "page": page.run_benchmark,
    "jobs": jobs.run_benchmark,
    "joblog": joblog.run_benchmark,
    "submitting": submitting.run_benchmark,
    "push": push.run_benchmark,
    "previews": previews.run_benchmark,
    "recovery": recovery.run_benchmark,
    "progress": progress.run_benchmark,
    "catalogs": catalog_listings.run_benchmark,
    "listings": listings.run_benchmark,
}


def main(words: list[str]) -> int:
    """Run the benchmarks that are named, or all; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    names = parser.parse_args(words).names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"there is no {unknown[0]!r}: it is {', '.join(BENCHMARKS)}")
    with exit_on_signals(), start_machines() as found:
        missed = [line for name in names for line in run_benchmark(name, found) if line.missed]
    for line in missed:
        print(f"missed: {line.name}: {line.ratio:.2f}, aimed at {line.aim:g}")
    return 1 if missed else 0


def run_benchmark(name: str, found: BenchMachines) -> list[RatioLine]:
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
def exit_on_signals() -> Iterator[None]:
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
