"""Generate events of the toy detector: one job, one file, a function of the job's identity alone."""

import json
import os
import sys

from faults import fault, round_now, share_of, suffer
from tracks import simulate, write


def main(words):
    """Make the events that the environment asks for."""
    parameter, env = os.environ["POMS_PARAMETER"], os.environ
    seed, run, subrun, first, events = (
        int(env[f"POMS_{n}"]) for n in ("SEED", "RUN", "SUBRUN", "FIRST_EVENT", "EVENTS")
    )
    kind = fault(f"{run}.{subrun}", round_now(), share_of(words))
    suffer(kind, f"{run}.{subrun}")
    if kind == "no_output":
        return
    header = {"parameter": parameter, "seed": seed, "run": run, "subrun": subrun, "events": events}
    rows = [
        {"event": n, "hits": simulate(seed, n, parameter)} for n in range(first, first + events)
    ]
    name = f"gen_{parameter}_r{run}_s{subrun:04}.jsonl"
    write(name, header, rows, whole=kind != "truncated")
    with open(env["POMS_OUTPUTS"], "w", encoding="utf-8") as told:
        print(json.dumps({"path": name, "parents": [], "events": events}), file=told)


if __name__ == "__main__":
    main(sys.argv[1:])
