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
    """Every whole file of a stage by its name, and the names of those that are not whole."""
    found, broken = {}, []
    for path in sorted(folder.glob("*.jsonl")):
        try:
            found[path.name] = read(path)
        except (Broken, OSError):
            broken.append(path.name)
    return found, broken


def by_event(name, rows):
    """The rows by event number, each of which may be there once."""
    twice = [event for event, n in Counter(row["event"] for row in rows).items() if n > 1]
    if twice:
        raise Wrong(f"{name}: event {twice[0]} is there more than once")
    return {row["event"]: row for row in rows}


def generated(files):
    """Each event is what its identity says, and no two files are of one identity."""
    owners = {}
    for name, (header, rows) in files.items():
        identity = tuple(header[key] for key in ("parameter", "seed", "run", "subrun"))
        if owners.setdefault(identity, name) != name:
            raise Wrong(f"{name}: its events are also those of {owners[identity]}")
        for row in by_event(name, rows).values():
            if row["hits"] != simulate(header["seed"], row["event"], header["parameter"]):
                raise Wrong(f"{name}: event {row['event']} is not what its seed gives")
    return [], sum(len(rows) for _, rows in files.values())


def reconstructed(files, inputs):
    """Each fit is what the input's hits give."""
    for name, (header, rows) in files.items():
        if header["input"] not in inputs:
            raise Wrong(f"{name}: its input {header['input']} is not there")
        hits = by_event(header["input"], inputs[header["input"]][1])
        fits = by_event(name, rows)
        if fits.keys() != hits.keys():
            raise Wrong(f"{name}: its events are not those of {header['input']}")
        for event, row in fits.items():
            if tuple(row["fit"]) != fit(hits[event]["hits"]):
                raise Wrong(f"{name}: the fit of event {event} differs")
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
    said = [f"{stage}: in the record, not on disk" for stage in record if stage not in mine]
    for stage, found in mine.items():
        theirs = record.get(stage, {})
        for what in ("files", "processed"):
            said += unequal(
                f"{stage} ({what})", Counter(found[what]), Counter(theirs.get(what, ()))
            )
        if found["events"] != theirs.get("events"):
            said.append(
                f"{stage}: {found['events']} events on disk, {theirs.get('events')} in the record"
            )
    return said


def unequal(where, ours, theirs):
    """Each name that is not as often on disk as in the record: twice in the record is a difference too."""
    said = []
    for name in sorted((ours | theirs).keys()):
        if name not in theirs:
            said.append(f"{where}: {name} is on disk, not in the record")
        elif name not in ours:
            said.append(f"{where}: {name} is in the record, not on disk")
        elif ours[name] != theirs[name]:
            said.append(
                f"{where}: {name} is {theirs[name]} times in the record, {ours[name]} on disk"
            )
    return said


def show(mine):
    """A line for each stage, and one for each file that is not whole."""
    for stage, found in mine.items():
        files, processed = len(found["files"]), len(found["processed"])
        print(
            f"{stage:12} {files:5} files {processed:5} inputs processed {found['events']:7} events"
        )
        for name in found["broken"]:
            print(f"{stage:12} not counted, because it is not whole: {name}")


def main():
    """Recompute, compare, and print a table; exit code 1 for any difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--against", type=Path, help="POMS's own record, as JSON")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    asked = parser.parse_args()
    if not asked.store.is_dir():
        sys.exit(
            f"There is no folder {asked.store}: name the campaign's, with one folder per stage."
        )
    try:
        mine = recompute(asked.store)
    except Wrong as e:
        sys.exit(f"Not right: {e}.")
    if asked.json:
        print(json.dumps(mine))
    else:
        show(mine)
    if asked.against:
        said = differences(mine, json.loads(asked.against.read_text(encoding="utf-8")))
        if said:
            sys.exit("\n".join([*said[:50], f"{len(said)} differences."]))
        print("The files on disk and POMS's record agree exactly.")


if __name__ == "__main__":
    main()
