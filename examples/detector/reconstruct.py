"""Reconstruct tracks: every input file gives one output file with the fit of each of its events."""

import json
import os
import sys
from pathlib import Path

from faults import fault, round_now, share_of, suffer
from tracks import fit, read, write


def main(words):
    """Fit all events of all inputs, one output per input."""
    inputs = Path(os.environ["POMS_INPUTS"]).read_text(encoding="utf-8").splitlines()
    identity = Path(inputs[0]).stem
    kind = fault(identity, round_now(), share_of(words))
    suffer(kind, identity)
    with open(os.environ["POMS_OUTPUTS"], "w", encoding="utf-8") as told:
        for path in () if kind == "no_output" else map(Path, inputs):
            header, rows = read(path)
            name = f"reco_{path.stem}.jsonl"
            fitted = [{"event": r["event"], "fit": fit(r["hits"])} for r in rows]
            write(name, header | {"input": path.name}, fitted, whole=kind != "truncated")
            print(
                json.dumps({"path": name, "parents": [path.name], "events": len(rows)}), file=told
            )


if __name__ == "__main__":
    main(sys.argv[1:])
