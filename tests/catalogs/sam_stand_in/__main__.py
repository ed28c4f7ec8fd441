"""`python -m tests.catalogs.sam_stand_in PORT`: http://127.0.0.1:PORT/sam/EXPERIMENT/api, for any experiment.

Writes need `Authorization: Bearer …`, any token but those that were revoked (`PUT /revoked`, a token a line). No more
queries at once of an experiment than PUT `/query_limit` says. Faults: see `faults.py`.
"""

import sys

import uvicorn

from tests.catalogs.faults import FaultInjector
from tests.catalogs.sam_stand_in.server import SamServer

if __name__ == "__main__":
    uvicorn.run(
        FaultInjector(SamServer().app),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="critical",
    )
