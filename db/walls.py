"""Row policies: which rows a connection of the API reaches, by what it was told (`db/reach.py`); workers reach all.

A row that is written may name no row of another experiment either, such as a stage another one's login setup.

A connection that was told nothing reaches nothing. The owner is held by no policy. Why so: docs/decisions/0009.

What is asked of each row has to be cheap. What was told is read once in a statement: that is what the brackets around
`SELECT` are for. Rows without an experiment of their own look their parent up by its key, a microsecond or two for
each; it is no `EXISTS`, since the planner would read all parents there are, for a page of a few. The parent is looked
for among *the others'* (views of the owner): a launch writes jobs in the statement that writes their submission, and
a statement can't see what it writes itself. A row without any parent is nobody's; nothing writes one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import asyncpg

from domain.database_roles import API, ROLES, WORKER

OWN = "experiment_id"
# Tables whose rows name their experiment: by which column.
BY_EXPERIMENT = {
    "approval_rule_set": OWN,
    "batch_allowance": OWN,
    "campaign": OWN,
    "catalog": OWN,
    "credential": OWN,
    "dataset": OWN,
    "delegation": OWN,
    "discrepancy": OWN,
    "experiment": "id",
    "file": OWN,
    "job_type": OWN,
    "launch_host": OWN,
    "login_setup": OWN,
    "membership": OWN,
    "request": OWN,
    "service_token": OWN,
    "setback": OWN,
    "stage": OWN,
    "submission": OWN,
    "summary": OWN,
    "upload": OWN,
}
# The same, but rows without an experiment are read by everybody who was told anything, and written by who reaches all.
BY_EXPERIMENT_OR_NONE = ("change", "change_inbox", "launch_hold")
# Tables whose rows belong to the experiment of a parent: by which column, and whose.
BY_PARENT = {
    "action": ("submission_id", "submission"),
    "allowed_account": ("launch_host_id", "launch_host"),
    "attempt": ("submission_id", "submission"),
    "catalog_launch": ("submission_id", "submission"),
    "campaign_approval": ("campaign_id", "campaign"),
    "campaign_revision": ("campaign_id", "campaign"),
    "cluster": ("submission_id", "submission"),
    "dataset_file": ("dataset_id", "dataset"),
    "dataset_listing": ("dataset_id", "dataset"),
    "dependency": ("campaign_id", "campaign"),
    "file_check": ("dataset_id", "dataset"),
    "file_parent": ("child_id", "file"),
    "hand_over": ("campaign_id", "campaign"),
    "input_file": ("submission_id", "submission"),
    "job": ("submission_id", "submission"),
    "join_arrival": ("stage_id", "stage"),
    "joined": ("stage_id", "stage"),
    "launch_attempt": ("submission_id", "submission"),
    "launch_output": ("submission_id", "submission"),
    "listing_difference": ("dataset_id", "dataset"),
    "live_file": ("submission_id", "submission"),
    "login_setup_secret": ("login_setup_id", "login_setup"),
    "output_file": ("submission_id", "submission"),
    "passed_input": ("submission_id", "submission"),
    "processed_file": ("stage_id", "stage"),
    "recovery_attempt": ("origin_id", "submission"),
    "request_decision": ("request_id", "request"),
    "request_revision": ("request_id", "request"),
    "schedule": ("stage_id", "stage"),
    "slice": ("stage_id", "stage"),
    "slice_file": ("stage_id", "stage"),
    "snapshot": ("dataset_id", "dataset"),
    "stage_input": ("submission_id", "submission"),
    "stage_progress": ("stage_id", "stage"),
    "stage_progress_delta": ("stage_id", "stage"),
    "staged_file": ("dataset_id", "dataset"),
    "submission_upload": ("submission_id", "submission"),
    "waived_input": ("submission_id", "submission"),
    "work_unit": ("submission_id", "submission"),
}
# What a row that the API writes names besides: by which column, and what.
REFERENCES: Mapping[str, Mapping[str, str]] = {
    "catalog": {"credential_id": "credential"},
    "change_inbox": {"campaign_id": "campaign", "submission_id": "submission"},
    "dataset": {"catalog_id": "catalog", "submission_id": "submission"},
    "dataset_file": {"file_id": "file"},
    "dependency": {"upstream_id": "stage", "downstream_id": "stage"},
    "discrepancy": {"submission_id": "submission"},
    "file": {"submission_id": "submission"},
    "launch_hold": {"campaign_id": "campaign", "stage_id": "stage"},
    "login_setup": {"launch_host_id": "launch_host", "credential_id": "credential"},
    "recovery_attempt": {"submission_id": "submission"},
    "request": {"campaign_id": "campaign"},
    "slice": {"snapshot_id": "snapshot"},
    "stage": {
        "campaign_id": "campaign",
        "job_type_id": "job_type",
        "login_setup_id": "login_setup",
        "dataset_id": "dataset",
        "test_dataset_id": "dataset",
    },
    "submission": {
        "campaign_id": "campaign",
        "stage_id": "stage",
        "slice_id": "slice",
        "origin_id": "submission",
        "upstream_id": "submission",
        "dependency_id": "dependency",
    },
    "submission_upload": {"upload_id": "upload"},
}
# A launch writes these by the thousand, of rows that it has read through the policies: lookups would cost it a quarter.
UNCHECKED = {"input_file", "job", "live_file", "slice_file", "stage_input", "work_unit"}
PARENTS = sorted(
    {parent for _, parent in BY_PARENT.values()}
    | {each for columns in REFERENCES.values() for each in columns.values()}
)
# Tables that are walled off from nobody, and why.
OPEN = {
    "archived_part": "which parts of tables are archived",
    "batch_system": "batch systems serve all experiments, and everybody sees how they are",
    "change_head": "one row: how far the changes go",
    "disk": "disks of the service",
    "hanging_lane": "the workers' calls to the outside",
    "host_clock": "clocks of the service's hosts",
    "idempotency": "keys of people, looked up by who asks",
    "identity": "who people are at issuers of tokens, read at sign-in",
    "installation": "one row: which installation this is",
    "installation_doubt": "the same",
    "launch_plan": "found only by its hash, by whoever was shown it; holds hashes of what decides, no rows",
    "lease": "the workers'",
    "listed_file": "the API may not read it",
    "loop_progress": "the workers' loops",
    "past_history": "the API may not read it",
    "person": "people are of several experiments; who sees whom is said by the resolvers",
    "reconciliation": "the API may not read it",
    "revoked_token": "tokens of people, read at sign-in",
    "request_move": "which moves there are at all",
    "submission_move": "the same",
    "watch": "how far feeds of batch systems were read",
}

TOLD = "(SELECT reached_experiments())"
ALL_TOLD = "(SELECT reaches_all())"
EVERY_ROW = "true"


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """Which rows of a table a role reaches, and which it may write."""

    role: str
    command: str
    condition: str
    written: str = ""
    """What holds of rows that are written; the condition, where it is empty."""

    @property
    def name(self) -> str:
        """It tells the text: a policy that is as it should be is not touched, and nothing waits for its lock."""
        text = "".join((self.command * (self.command != "ALL"), self.condition, self.written))
        return f"{self.role}_{sha256(text.encode()).hexdigest()[:8]}"

    @property
    def definition(self) -> str:
        """What follows the name of its table."""
        check = f" WITH CHECK ({self.written})" if self.written else ""
        return f"FOR {self.command} TO {self.role} USING ({self.condition}){check}"


def build_policies() -> dict[str, list[RowPolicy]]:
    """Of each table that is walled off, which rows the API reaches."""
    own = {
        table: f"{ALL_TOLD} OR {column} = ANY ({TOLD}::bigint[])"
        for table, column in (BY_EXPERIMENT | dict.fromkeys(BY_EXPERIMENT_OR_NONE, OWN)).items()
    }
    belonging = {
        table: f"{ALL_TOLD} OR {TOLD} IS NOT NULL AND ({_is_nobody_elses(column, parent)})"
        for table, (column, parent) in BY_PARENT.items()
    }
    policies = {
        table: [RowPolicy(API, "ALL", condition, _restrict_writing(table, condition))]
        for table, condition in (own | belonging).items()
    }
    for table in BY_EXPERIMENT_OR_NONE:
        policies[table].append(RowPolicy(API, "SELECT", f"{TOLD} IS NOT NULL AND {OWN} IS NULL"))
    return policies


def _restrict_writing(table: str, condition: str) -> str:
    references = REFERENCES.get(table, {})
    named = " AND ".join(f"({_is_nobody_elses(*each)})" for each in references.items())
    return f"({condition}) AND ({ALL_TOLD} OR {named})" if named else ""


def _is_nobody_elses(column: str, parent: str) -> str:
    lookup = f"(SELECT f.id FROM foreign_{parent} f WHERE f.id = {column}) IS NULL"
    # What is written with its submission is newer than all that there are: a large launch looks nothing up.
    is_newer = f"{column} > (SELECT id FROM newest_submission) OR "
    return is_newer + lookup if parent == "submission" else lookup


THERE = """
    SELECT c.relname::text AS name, c.relrowsecurity AS is_walled,
           ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid) AS policies
      FROM pg_class c
     WHERE relnamespace = 'public'::regnamespace AND NOT relispartition AND relkind IN ('r', 'p')
"""


async def build_walls(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make the policies of the tables that there are these; those of roles that are not there come with them."""
    if not await owner.fetchval("SELECT to_regclass('foreign_snapshot') IS NOT NULL"):
        return  # tests migrate up to older versions
    found = await owner.fetch("SELECT rolname::text FROM pg_roles WHERE rolname = ANY($1)", ROLES)
    roles = {row[0] for row in found}
    wanted = build_policies()
    async with owner.transaction():
        for table in await owner.fetch(THERE):
            if of_api := wanted.get(table["name"]):
                policies = [*of_api, RowPolicy(WORKER, "ALL", EVERY_ROW)]
                for statement in _build_statements(table, [p for p in policies if p.role in roles]):
                    await owner.execute(statement)


def _build_statements(table: asyncpg.Record, policies: Sequence[RowPolicy]) -> Iterator[str]:
    name = table["name"]
    wanted = {policy.name: policy for policy in policies}
    for old in set(table["policies"]) - set(wanted):
        yield f"DROP POLICY {old} ON {name}"
    for new in set(wanted) - set(table["policies"]):
        yield f"CREATE POLICY {new} ON {name} {wanted[new].definition}"
    if not table["is_walled"]:
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
