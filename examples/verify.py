"""Recompute the example campaign's result from the files on disk, with no code of POMS.

    python3 examples/verify.py STORE... [--against RECORD.json] [--rucio RUCIO.json] [--json]

STORE is the folder of the campaign's outputs, `e1/c1` in the store of `make run`: of which stage a file is, its
name says. The generator's events are made
anew from their identities, every fit is done again, every histogram is counted again. With --against, the
result must equal POMS's own record exactly: {"generate": {"files": [...], "processed": [...], "events": N}, …}.
With --rucio (examples/README.md says what the file has) Rucio must know just these files, with their sizes and
checksums, each where it lies.
"""

import argparse
import json
import sys
import urllib.request
import zlib
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "detector"))

from merge import BINS, bin_of  # noqa: E402 - the example's own programs, beside this one
from tracks import Broken, fit, read, simulate  # noqa: E402


class FilesContradict(Exception):
    """The files on disk contradict each other."""


def list_whole_files(stores, pattern):
    """Every whole file of a stage by its name, and the names of those that are not whole.

    A job whose node died may have been run again, and have made the same file once more. Hidden is what is
    just being written.
    """
    found, broken = {}, set()
    for path in (path for store in stores for path in list_visible_files(store, pattern)):
        try:
            content = read(path)
        except (Broken, OSError):
            broken.add(path.name)
            continue
        if found.setdefault(path.name, content) != content:
            raise FilesContradict(f"{path.name}: two files of this name differ")
    return found, sorted(broken)


def list_visible_files(store, pattern):
    """Files that match, without those in hidden folders."""
    for path in sorted(store.rglob(pattern)):
        if not any(part.startswith(".") for part in path.relative_to(store).parts):
            yield path


def index_by_event(name, rows):
    """The rows by event number, each of which may be there once."""
    twice = [event for event, n in Counter(row["event"] for row in rows).items() if n > 1]
    if twice:
        raise FilesContradict(f"{name}: event {twice[0]} is there more than once")
    return {row["event"]: row for row in rows}


def verify_generated(files):
    """Each event is what its identity says, and no two files are of one identity."""
    owners = {}
    for name, (header, rows) in files.items():
        identity = tuple(header[key] for key in ("parameter", "seed", "run", "subrun"))
        if owners.setdefault(identity, name) != name:
            raise FilesContradict(f"{name}: its events are also those of {owners[identity]}")
        for row in index_by_event(name, rows).values():
            if row["hits"] != simulate(header["seed"], row["event"], header["parameter"]):
                raise FilesContradict(f"{name}: event {row['event']} is not what its seed gives")
    return [], sum(len(rows) for _, rows in files.values())


def verify_reconstructed(files, inputs):
    """Each fit is what the input's hits give."""
    for name, (header, rows) in files.items():
        if header["input"] not in inputs:
            raise FilesContradict(f"{name}: its input {header['input']} is not there")
        hits = index_by_event(header["input"], inputs[header["input"]][1])
        fits = index_by_event(name, rows)
        if fits.keys() != hits.keys():
            raise FilesContradict(f"{name}: its events are not those of {header['input']}")
        for event, row in fits.items():
            if tuple(row["fit"]) != fit(hits[event]["hits"]):
                raise FilesContradict(f"{name}: the fit of event {event} differs")
    return [header["input"] for header, _ in files.values()], sum(len(r) for _, r in files.values())


def verify_merged(files, inputs):
    """Each histogram is what its inputs' fits give."""
    parents, events = [], 0
    for name, (header, rows) in files.items():
        for row in rows:
            if row["input"] not in inputs:
                raise FilesContradict(f"{name}: its input {row['input']} is not there")
            counts = [0] * BINS
            for fitted in inputs[row["input"]][1]:
                counts[bin_of(fitted["fit"][1])] += 1
            if counts != row["slope"] or sum(counts) != row["events"]:
                raise FilesContradict(f"{name}: the histogram of {row['input']} differs")
            parents.append(row["input"])
        events += header["total"]
        if header["total"] != sum(row["events"] for row in rows):
            raise FilesContradict(f"{name}: the total is not the sum")
    return parents, events


def recompute_record(stores):
    """What each stage made and processed, from the files alone."""
    gen, bad_gen = list_whole_files(stores, "gen_*.jsonl")
    reco, bad_reco = list_whole_files(stores, "reco_*.jsonl")
    hist, bad_hist = list_whole_files(stores, "hist_*.jsonl")
    results = {
        "generate": (gen, verify_generated(gen), bad_gen),
        "reconstruct": (reco, verify_reconstructed(reco, gen), bad_reco),
        "merge": (hist, verify_merged(hist, reco), bad_hist),
    }
    summary = {}
    for stage, (files, (processed, events), broken) in results.items():
        twice = [name for name, n in Counter(processed).items() if n > 1]
        if twice:
            raise FilesContradict(f"{stage}: processed twice: {', '.join(twice[:5])}")
        summary[stage] = {
            "files": sorted(files), "processed": sorted(processed), "events": events, "broken": broken,
        }  # fmt: skip
    return summary


def list_differences(mine, record):
    """What differs between the files on disk and a record of them, as sentences."""
    said = [f"{stage}: in the record, not on disk" for stage in record if stage not in mine]
    for stage, found in mine.items():
        theirs = record.get(stage, {})
        for what in ("files", "processed"):
            said += list_unequal(
                f"{stage} ({what})", Counter(found[what]), Counter(theirs.get(what, ()))
            )
        if found["events"] != theirs.get("events"):
            said.append(
                f"{stage}: {found['events']} events on disk, {theirs.get('events')} in the record"
            )
        said += list_account_faults(stage, found, theirs.get("account"))
    return said


def list_account_faults(stage, found, account):
    """What of the record's account contradicts itself, or what is on disk; a record of before has none."""
    if account is None:
        return []
    parts = ("done", "in_work", "waiting", "owed", "lost", "waived")
    said = []
    if account["given"] != sum(account[part] for part in parts):
        said.append(f"{stage} (account): {account['given']} given is not the sum of its parts")
    ours = {"files": len(found["files"]), "events": found["events"]}
    if found["processed"]:
        ours["done"] = len(found["processed"])
    elif account["done"] > ours["files"]:  # of a generator each unit that is done has made a file
        said.append(
            f"{stage} (account): {account['done']} done of which there are {ours['files']} files"
        )
    for what, number in ours.items():
        if account[what] != number:
            said.append(
                f"{stage} (account): {number} {what} on disk, {account[what]} in the record"
            )
    return said


class RucioReader:
    """Asks one Rucio what it knows of the example's files, by HTTP alone."""

    def __init__(self, access):
        self.access, self.token = access, ""
        self.token = self.ask("/auth/userpass", sign_in=True).headers["X-Rucio-Auth-Token"]

    def ask(self, path, body=None, *, sign_in=False):
        """The answer to one request, read as a stream."""
        headers = {"X-Rucio-Auth-Token": self.token, "Content-Type": "application/json"}
        if sign_in:
            account = self.access["account"]
            headers = {
                "X-Rucio-Account": account,
                "X-Rucio-Username": self.access.get("user", account),
                "X-Rucio-Password": self.access["password"],
            }
        data = None if body is None else json.dumps(body).encode()
        url = self.access["url"].rstrip("/") + path
        return urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60)

    def list_files(self):
        """The names of all files of the example's in its scope."""
        with self.ask(f"/dids/{self.access['scope']}/dids/search?type=file") as lines:
            names = [json.loads(line) for line in lines if line.strip()]
        return sorted(n for n in names if n.startswith(("gen_", "reco_", "hist_")))

    def list_replicas(self, names):
        """By name: size, checksum, and where it lies on the example's storage; as many as one request takes."""
        for low in range(0, len(names), 500):
            dids = [{"scope": self.access["scope"], "name": n} for n in names[low : low + 500]]
            # Rucio's own order of replicas asks for where hosts are, on the internet.
            with self.ask("/replicas/list", {"dids": dids, "sort": "random"}) as lines:
                for row in (json.loads(line) for line in lines if line.strip()):
                    places = row["rses"].get(self.access["storage"], [])
                    yield row["name"], (row["bytes"], row["adler32"]), places


def list_rucio_differences(mine, stores, access):
    """What differs between the files on disk and what Rucio knows of them, as sentences."""
    names = sorted({name for found in mine.values() for name in found["files"]})
    rucio = RucioReader(access)
    theirs = rucio.list_files()
    said = [f"Rucio: {n} is on disk, not in Rucio" for n in sorted({*names} - {*theirs})]
    said += [f"Rucio: {n} is in Rucio, not on disk" for n in sorted({*theirs} - {*names})]
    on_disk = {}
    for store in stores:
        for path in list_visible_files(store, "*.jsonl"):
            on_disk.setdefault(path.name, []).append((path, str(path.relative_to(store))))
    for name, known, places in rucio.list_replicas([n for n in names if n in {*theirs}]):
        # Of a file that was made twice either may be broken, and Rucio says which one counts.
        path = next(
            (p for p, tail in on_disk[name] if any(u.endswith(f"/{tail}") for u in places)), None
        )
        if path is None:
            said.append(f"Rucio: {name} lies at {places}, where there is no such file")
            continue
        content = path.read_bytes()
        if known != (len(content), f"{zlib.adler32(content):08x}"):
            said.append(f"Rucio: {name} is known with {known}, which it has not")
    return said


def list_unequal(where, ours, theirs):
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


def print_summary(mine):
    """A line for each stage, and one for each file that is not whole."""
    for stage, found in mine.items():
        files, processed = len(found["files"]), len(found["processed"])
        print(
            f"{stage:12} {files:5} files {processed:5} inputs processed {found['events']:7} events"
        )
        for name in found["broken"]:
            print(f"{stage:12} not counted, because it is not whole: {name}")


def compare_with_others(asked, mine):
    """Hold the result against a record and against Rucio; ends with exit code 1 where they differ."""
    if asked.against:
        said = list_differences(mine, json.loads(asked.against.read_text(encoding="utf-8")))
        if said:
            sys.exit("\n".join([*said[:50], f"{len(said)} differences."]))
        print("The files on disk and POMS's record agree exactly.")
    if asked.rucio:
        access = json.loads(asked.rucio.read_text(encoding="utf-8"))
        said = list_rucio_differences(mine, asked.store, access)
        if said:
            sys.exit("\n".join([*said[:50], f"{len(said)} differences to Rucio."]))
        print("Rucio has just these files, where they lie.")


def main():
    """Recompute, compare, and print a table; exit code 1 for any difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path, nargs="+")
    parser.add_argument("--against", type=Path, help="POMS's own record, as JSON")
    parser.add_argument("--rucio", type=Path, help="a file that says where Rucio is")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    asked = parser.parse_args()
    for store in asked.store:
        if not store.is_dir():
            sys.exit(f"There is no folder {store}: name the campaign's in the store, like e1/c1.")
    try:
        mine = recompute_record(asked.store)
    except FilesContradict as e:
        sys.exit(f"Not right: {e}.")
    if asked.json:
        print(json.dumps(mine))
    else:
        print_summary(mine)
    compare_with_others(asked, mine)


if __name__ == "__main__":
    main()
