"""Recompute the example campaign's result from the files on disk, with no code of POMS.

    python3 examples/verify.py STORE [--against RECORD.json] [--json]

STORE is the folder of the campaign's outputs, with one folder per stage. The generator's events are made
anew from their identities, every fit is done again, every histogram is counted again. With --against, the
result must equal POMS's own record exactly: {"generate": {"files": [...], "processed": [...], "events": N}, …}.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "detector"))

from merge import BINS, bin_of  # noqa: E402 - the example's own programs, beside this one
from tracks import Broken, fit, read, simulate  # noqa: E402


class Wrong(Exception):
    """The files on disk contradict each other."""


def whole_files(folder):
    """Every whole file of a stage by its name, and how many are not whole."""
    found, broken = {}, 0
    for path in sorted(folder.glob("*.jsonl")):
        try:
            found[path.name] = read(path)
        except (Broken, OSError):
            broken += 1
    return found, broken


def generated(files):
    """Each event is what its identity says."""
    for name, (header, rows) in files.items():
        for row in rows:
            if row["hits"] != simulate(header["seed"], row["event"], header["parameter"]):
                raise Wrong(f"{name}: event {row['event']} is not what its seed gives")
    return [], sum(len(rows) for _, rows in files.values())


def reconstructed(files, inputs):
    """Each fit is what the input's hits give."""
    for name, (header, rows) in files.items():
        if header["input"] not in inputs:
            raise Wrong(f"{name}: its input {header['input']} is not there")
        hits = {row["event"]: row["hits"] for row in inputs[header["input"]][1]}
        for row in rows:
            if tuple(row["fit"]) != fit(hits[row["event"]]):
                raise Wrong(f"{name}: the fit of event {row['event']} differs")
        if len(rows) != len(hits):
            raise Wrong(f"{name}: {len(rows)} of {len(hits)} events")
    return [header["input"] for header, _ in files.values()], sum(len(r) for _, r in files.values())


def merged(files, inputs):
    """Each histogram is what its inputs' fits give."""
    parents, events = [], 0
    for name, (header, rows) in files.items():
        for row in rows:
            if row["input"] not in inputs:
                raise Wrong(f"{name}: its input {row['input']} is not there")
            counts = [0] * BINS
            for fitted in inputs[row["input"]][1]:
                counts[bin_of(fitted["fit"][1])] += 1
            if counts != row["slope"] or sum(counts) != row["events"]:
                raise Wrong(f"{name}: the histogram of {row['input']} differs")
            parents.append(row["input"])
        events += header["total"]
        if header["total"] != sum(row["events"] for row in rows):
            raise Wrong(f"{name}: the total is not the sum")
    return parents, events


def recompute(store):
    """What each stage made and processed, from the files alone."""
    gen, bad_gen = whole_files(store / "generate")
    reco, bad_reco = whole_files(store / "reconstruct")
    hist, bad_hist = whole_files(store / "merge")
    results = {
        "generate": (gen, generated(gen), bad_gen),
        "reconstruct": (reco, reconstructed(reco, gen), bad_reco),
        "merge": (hist, merged(hist, reco), bad_hist),
    }
    summary = {}
    for stage, (files, (processed, events), broken) in results.items():
        twice = [name for name, n in Counter(processed).items() if n > 1]
        if twice:
            raise Wrong(f"{stage}: processed twice: {', '.join(twice[:5])}")
        summary[stage] = {
            "files": sorted(files), "processed": sorted(processed), "events": events, "broken": broken,
        }  # fmt: skip
    return summary


def differences(mine, record):
    """What differs between the files on disk and a record of them, as sentences."""
    said = []
    for stage, found in mine.items():
        theirs = record.get(stage, {})
        for what in ("files", "processed"):
            ours, other = set(found[what]), set(theirs.get(what, ()))
            said += [
                f"{stage}: {name} is on disk, not in the record ({what})"
                for name in sorted(ours - other)
            ]
            said += [
                f"{stage}: {name} is in the record, not on disk ({what})"
                for name in sorted(other - ours)
            ]
        if found["events"] != theirs.get("events"):
            said.append(
                f"{stage}: {found['events']} events on disk, {theirs.get('events')} in the record"
            )
    return said


def main():
    """Recompute, compare, and print a table; exit code 1 for any difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--against", type=Path, help="POMS's own record, as JSON")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    asked = parser.parse_args()
    try:
        mine = recompute(asked.store)
    except Wrong as e:
        sys.exit(f"Not right: {e}.")
    if asked.json:
        print(json.dumps(mine))
    else:
        for stage, found in mine.items():
            files, processed = len(found["files"]), len(found["processed"])
            print(
                f"{stage:12} {files:5} files {processed:5} inputs processed {found['events']:7} events"
            )
    if asked.against:
        said = differences(mine, json.loads(asked.against.read_text(encoding="utf-8")))
        if said:
            sys.exit("\n".join([*said[:50], f"{len(said)} differences."]))
        print("The files on disk and POMS's record agree exactly.")


if __name__ == "__main__":
    main()
