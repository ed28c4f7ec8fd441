"""What each kind of process may do with which table: no more than its statements need, and never to alter one."""

from collections.abc import Iterator

import asyncpg

from db.walls import PARENTS
from domain.database_roles import API, ROLES, WORKER

WORDS = {
    "r": "SELECT",
    "a": "INSERT",
    "c": "UPDATE",
    "d": "DELETE",
    "m": "MAINTAIN",  # to tell the planner what it has, as soon as that is much
    "f": "UPDATE (id, size, checksum, events, run, metadata, location, replicas)",  # what is told of a file later
    "l": "UPDATE (id)",  # of a column that can't be changed, which is enough to lock its row
    "t": "UPDATE (next_try_at)",  # when it is tried again
    "n": "SELECT (login_setup_id, name)",  # that there is a secret, not which
}

# Each table: what the API may, and what the workers may.
TABLES: dict[str, tuple[str, str]] = {
    "action": ("ra", "rc"),
    "allowed_account": ("rac", "r"),
    "approval_rule_set": ("rac", "r"),
    "archived_part": ("", "racd"),
    "attempt": ("r", "rac"),
    "batch_allowance": ("rac", "r"),
    "batch_system": ("rc", "rac"),
    "campaign": ("racd", "rl"),
    "campaign_approval": ("rac", "rac"),
    "campaign_revision": ("rad", "r"),
    "catalog": ("rac", "rc"),
    "catalog_launch": ("rt", "rac"),
    "change": ("r", "ra"),
    "change_head": ("r", "rc"),
    "change_inbox": ("ra", "rad"),
    "cluster": ("r", "racd"),
    "credential": ("racd", "rc"),
    "dataset": ("racd", "rac"),
    "dataset_file": ("rac", "rac"),
    "dataset_listing": ("rac", "racd"),
    "delegation": ("rac", "r"),
    "dependency": ("racd", "r"),
    "discrepancy": ("rc", "rac"),
    "disk": ("r", "rac"),
    "experiment": ("rac", "rl"),
    "file": ("raf", "rac"),
    "file_check": ("rac", "racd"),
    "file_parent": ("r", "ra"),
    "hand_over": ("racd", "r"),
    "hanging_lane": ("r", "racd"),
    "host_clock": ("r", "racd"),
    "idempotency": ("rac", "rd"),
    "identity": ("rac", ""),
    "input_file": ("ra", "rac"),
    "installation": ("r", "rac"),
    "installation_doubt": ("rac", "racd"),
    "job": ("ra", "rac"),
    "job_type": ("rac", "r"),
    "join_arrival": ("r", "ra"),
    "joined": ("ra", "ra"),
    "launch_attempt": ("r", "rac"),
    "launch_hold": ("racd", "r"),
    "launch_host": ("rac", "r"),
    "launch_output": ("r", "ra"),
    "launch_plan": ("rac", "rd"),
    "lease": ("r", "rac"),
    "listed_file": ("", "racdm"),
    "listing_difference": ("r", "racd"),
    "live_file": ("ra", "radc"),
    "login_setup": ("rac", "r"),
    "login_setup_secret": ("nacd", "r"),
    "loop_progress": ("r", "racd"),
    "membership": ("racd", "r"),
    "output_file": ("r", "rac"),
    "past_history": ("", "rad"),
    "person": ("rac", "rl"),
    "passed_input": ("ra", "rad"),
    "processed_file": ("rd", "rad"),
    "reconciliation": ("", "rac"),
    "recovery_attempt": ("ra", "ra"),
    "request": ("rac", "rc"),
    "request_decision": ("rac", "r"),
    "request_move": ("r", "r"),
    "request_revision": ("ra", "ra"),
    "revoked_token": ("ra", "rd"),
    "schedule": ("racd", "rc"),
    "service_token": ("rac", ""),
    "setback": ("r", "racd"),
    "slice": ("ra", "ra"),
    "slice_file": ("ra", "ra"),
    "snapshot": ("rac", "rac"),
    "stage": ("racd", "rc"),
    "stage_input": ("rac", "rac"),
    "stage_progress": ("r", "rac"),
    "stage_progress_delta": ("ra", "rad"),
    "staged_file": ("ra", "ra"),
    "summary": ("rac", "rcd"),
    "submission": ("rac", "rac"),
    "submission_move": ("r", "r"),
    "submission_upload": ("ra", "ra"),
    "upload": ("rac", "rc"),
    "waived_input": ("ra", "r"),
    "watch": ("r", "rac"),
    "work_unit": ("ra", "ra"),
}
SEQUENCES = {
    "launch_number": ("", "SELECT, UPDATE"),
    "stage_id_seq": ("USAGE", ""),
    "submission_id_seq": ("", "SELECT, UPDATE"),
}
FUNCTIONS = {
    "ensure_partitions(int)": ("", "EXECUTE"),
    "drop_submission_parts(bigint, timestamptz)": ("", "EXECUTE"),
    "drop_change_part(bigint, timestamptz)": ("", "EXECUTE"),
}
VIEWS = {f"foreign_{parent}": ("SELECT", "") for parent in PARENTS} | {
    "newest_submission": ("SELECT", "")
}

THERE = """
    SELECT ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY($1)),
           ARRAY(SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
                    AND NOT relispartition AND relkind IN ('r', 'p', 'S', 'v')),
           ARRAY(SELECT relname::text FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND NOT relispartition AND relkind IN ('r', 'p')
                    AND relname <> ALL($2)),
           ARRAY(SELECT f FROM unnest($3::text[]) AS f WHERE to_regprocedure(f) IS NOT NULL)
"""


async def grant_rights(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make the rights of the roles that there are these; what is not named here, they can read."""
    named = list(ROLES), list(TABLES), list(FUNCTIONS)
    roles, *there = await owner.fetchrow(THERE, *named) or ([], [], [], [])
    async with owner.transaction():
        for number, role in enumerate((API, WORKER)):
            if role in roles:
                await owner.execute(";\n".join(_render_statements(role, number, *there)))


def _render_statements(
    role: str, number: int, there: list[str], others: list[str], functions: list[str]
) -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    named: dict[str, str] = {
        name: ", ".join(WORDS[letter] for letter in rights[number])
        for name, rights in TABLES.items()
    }
    named |= {f"SEQUENCE {name}": rights[number] for name, rights in SEQUENCES.items()}
    named |= {name: rights[number] for name, rights in VIEWS.items()}
    for name, words in named.items():
        if name.rpartition(" ")[2] in there:
            yield f"REVOKE ALL ON {name} FROM {role}"
            if words:
                yield f"GRANT {words} ON {name} TO {role}"
    for name in others:
        yield f'GRANT SELECT ON "{name}" TO {role}'
    for name in functions:
        if words := FUNCTIONS[name][number]:
            yield f"GRANT {words} ON FUNCTION {name} TO {role}"
