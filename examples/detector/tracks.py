"""What the three programs share: the toy detector, its file format, and the fit of a track.

Ten planes stand at z = 10, 20, … 100 cm; each measures one coordinate y in cm. A file is JSON lines: a
header, one line per event, and a trailer with the number of events and the SHA-256 of all lines before it.
"""

import hashlib
import json
import random

PLANES = [10.0 * n for n in range(1, 11)]
SMEARING = {"electron": 0.08, "muon": 0.02}


class Broken(Exception):
    """A file that is not whole: cut off, or changed since it was written."""


def simulate(seed, event, parameter):
    """The hits of one event: a function of the seed, the event's number and the particle, and of nothing else."""
    particle, _, energy = parameter.partition("_")
    dice = random.Random(seed * 1_000_003 + event)
    slope, offset = dice.gauss(0, 0.1), dice.gauss(0, 1)
    sigma = SMEARING.get(particle, 0.05) / float(energy.removesuffix("GeV") or 1)
    return [round(offset + slope * z + dice.gauss(0, sigma), 6) for z in PLANES]


def fit(hits):
    """Least squares: (offset, slope, sum of squared residuals), rounded as they are written."""
    n, mean_z, mean_y = len(hits), sum(PLANES) / len(PLANES), sum(hits) / len(hits)
    spread = sum((z - mean_z) ** 2 for z in PLANES)
    slope = sum((z - mean_z) * (y - mean_y) for z, y in zip(PLANES, hits, strict=True)) / spread
    offset = mean_y - slope * mean_z
    chi2 = sum((y - offset - slope * z) ** 2 for z, y in zip(PLANES, hits, strict=True)) / (n - 2)
    return round(offset, 6), round(slope, 6), round(chi2, 9)


def write(path, header, rows, *, whole=True):
    """Write a file; `whole=False` leaves it cut off, as a full disk would."""
    digest = hashlib.sha256()
    with open(path, "w", encoding="utf-8") as file:
        for row in [header, *rows]:
            line = json.dumps(row) + "\n"
            digest.update(line.encode())
            file.write(line)
        if whole:
            file.write(json.dumps({"end": len(rows), "sha256": digest.hexdigest()}) + "\n")


def read(path):
    """The header and the rows of a whole file; raises Broken for any other."""
    with open(path, "rb") as file:
        lines = file.readlines()
    try:
        rows = [json.loads(line) for line in lines]
        end, sha256 = rows[-1]["end"], rows[-1]["sha256"]
        expected = rows[0]["events"]
    except (ValueError, LookupError, TypeError):
        raise Broken(f"{path} has no trailer or no header: it is cut off or was changed.") from None
    if not end == expected == len(rows) - 2:
        raise Broken(f"{path} has {len(rows) - 2} events, its trailer says {end}.")
    if hashlib.sha256(b"".join(lines[:-1])).hexdigest() != sha256:
        raise Broken(f"{path} was changed after it was written.")
    return rows[0], rows[1:-1]
