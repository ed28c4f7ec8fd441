"""Merge reconstructed files into one histogram of the fitted slopes."""

import json
import os
import sys
from pathlib import Path

from faults import fault, round_now, share_of, suffer
from tracks import read, write

BINS, LOW, HIGH = 40, -0.4, 0.4


def bin_of(slope):
    """Which bin a slope falls into; the first and last take what lies outside."""
    return min(max(int((slope - LOW) / (HIGH - LOW) * BINS), 0), BINS - 1)


def main(words):
    """Count the events of all inputs into one histogram."""
    inputs = Path(os.environ["POMS_INPUTS"]).read_text(encoding="utf-8").splitlines()
    identity = Path(inputs[0]).stem
    kind = fault(identity, round_now(), share_of(words))
    suffer(kind, identity)
    if kind == "no_output":
        return
    merged, total = [], 0
    for path in map(Path, inputs):
        _, rows = read(path)
        counts = [0] * BINS
        for row in rows:
            counts[bin_of(row["fit"][1])] += 1
        merged.append({"input": path.name, "events": len(rows), "slope": counts})
        total += len(rows)
    name = f"hist_{identity}_{len(inputs)}.jsonl"
    write(name, {"events": len(merged), "total": total}, merged, whole=kind != "truncated")
    with open(os.environ["POMS_OUTPUTS"], "w", encoding="utf-8") as told:
        parents = [Path(path).name for path in inputs]
        print(json.dumps({"path": name, "parents": parents, "events": total}), file=told)


if __name__ == "__main__":
    main(sys.argv[1:])
