"""Reconstruct tracks: every input file gives one output file with the fit of each of its events.

The inputs are independent of each other, so each gets its own fate: what was done before a crash, or beside
an input that failed, stays done.
"""

import json
import os
import sys
from pathlib import Path

from faults import complain, fault, round_now, share_of, suffer
from tracks import fit, read, write


def main(words):
    """Fit all events of all inputs, one output per input."""
    inputs = Path(os.environ["POMS_INPUTS"]).read_text(encoding="utf-8").splitlines()
    identity = Path(inputs[0]).stem
    kind = fault(identity, round_now(), share_of(words))
    *good, last = map(Path, inputs)
    if kind == "no_output":
        return
    for path in good:
        reconstruct(path)
    if kind == "exit":
        tell("FATES", input=last.name, outcome="failed", reason="no calibration")
        sys.exit(complain(identity))
    suffer(kind, identity)
    reconstruct(last, whole=kind != "truncated")


def reconstruct(path, *, whole=True):
    """Fit the events of one input; its output first, then its fate: a crash in between leaves it undone."""
    header, rows = read(path)
    name = f"reco_{path.stem}.jsonl"
    fitted = [{"event": row["event"], "fit": fit(row["hits"])} for row in rows]
    write(name, header | {"input": path.name}, fitted, whole=whole)
    tell("OUTPUTS", path=name, parents=[path.name], events=len(rows))
    tell("FATES", input=path.name, outcome="done")


def tell(what, **fact):
    """Add a line to one of the files that POMS reads after the job: POMS_FATES or POMS_OUTPUTS."""
    with open(os.environ[f"POMS_{what}"], "a", encoding="utf-8") as file:
        print(json.dumps(fact), file=file)


if __name__ == "__main__":
    main(sys.argv[1:])
