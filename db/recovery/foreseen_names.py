"""Names that a recovery's outputs would have, and that other files of the experiment have."""

from db.launching.foreseen_names import (
    MOST_FILES,
    TakenName,
    divide_patterns,
    render_output_query,
    warn_of_existing_output,
    warn_of_fixed_names,
)
from db.pool import Database, fetch_one
from db.recovery.recoveries import PreparedRecovery
from db.recovery.verdicts import VERDICTS

TAKEN_FILES = f"""
    WITH RECURSIVE {VERDICTS}, worked_on AS (
        SELECT file_id FROM taken WHERE file_id IS NOT NULL LIMIT {MOST_FILES}
    )
"""

MADE_OF_TAKEN = render_output_query(TAKEN_FILES, "$17")


async def warn_of_recovery(db: Database, ready: PreparedRecovery, jobs: int) -> list[str]:
    """What is to be said of names that a recovery's outputs will have, or may well have."""
    if ready.origin.is_test:
        return []
    fixed, open_ = divide_patterns(ready.configuration.patterns)
    made = (
        await fetch_one(db, TakenName, MADE_OF_TAKEN, *ready.request.args, open_) if open_ else None
    )
    return [
        *await warn_of_fixed_names(db, ready.stage.id, fixed, jobs),
        *warn_of_existing_output(made),
    ]
