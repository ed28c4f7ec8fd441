"""The three roots, composed of one class per noun."""

from strawberry.schema.config import StrawberryConfig

import auth
from door import build
from door.describe import thing
from door.limits import Limits
from door.schema import DoorSchema
from resolvers.batch_systems import BatchSystemMutations, BatchSystemQueries
from resolvers.campaigns import CampaignMutations, CampaignQueries
from resolvers.changes import ChangeQueries, ChangeSubscriptions
from resolvers.credentials import CredentialMutations, CredentialQueries
from resolvers.cursors import CursorMutations
from resolvers.datasets import DatasetMutations, DatasetQueries
from resolvers.discrepancies import DiscrepancyMutations, DiscrepancyQueries
from resolvers.experiments import ExperimentMutations, ExperimentQueries
from resolvers.job_types import JobTypeMutations, JobTypeQueries
from resolvers.joins import JoinQueries
from resolvers.launch_hosts import LaunchHostMutations, LaunchHostQueries
from resolvers.launches import PROBLEMS, LaunchMutations
from resolvers.limits import LimitMutations
from resolvers.login_setups import LoginSetupMutations, LoginSetupQueries
from resolvers.nodes import NodeQueries
from resolvers.parameters import ParameterQueries
from resolvers.people import PeopleMutations, PeopleQueries
from resolvers.queue import QueueMutations, QueueQueries
from resolvers.recoveries import RecoveryMutations, RecoveryQueries
from resolvers.schedules import ScheduleMutations
from resolvers.splits import SplitQueries
from resolvers.stages import StageQueries
from resolvers.stragglers import StragglerMutations
from resolvers.submissions import SubmissionMutations, SubmissionQueries
from resolvers.triage import TriageQueries
from schema.jobs import Job
from schema.numbers import SCALARS


@thing
class Query(
    NodeQueries,
    PeopleQueries,
    ExperimentQueries,
    LaunchHostQueries,
    CredentialQueries,
    LoginSetupQueries,
    JobTypeQueries,
    DatasetQueries,
    DiscrepancyQueries,
    CampaignQueries,
    StageQueries,
    SplitQueries,
    JoinQueries,
    ParameterQueries,
    SubmissionQueries,
    QueueQueries,
    RecoveryQueries,
    ChangeQueries,
    TriageQueries,
    BatchSystemQueries,
):
    """Everything that can be read."""


@thing
class Mutation(
    PeopleMutations,
    ExperimentMutations,
    LaunchHostMutations,
    BatchSystemMutations,
    CredentialMutations,
    LoginSetupMutations,
    JobTypeMutations,
    DatasetMutations,
    DiscrepancyMutations,
    CampaignMutations,
    CursorMutations,
    ScheduleMutations,
    LaunchMutations,
    QueueMutations,
    LimitMutations,
    SubmissionMutations,
    RecoveryMutations,
    StragglerMutations,
):
    """Everything that can be changed."""


@thing
class Subscription(ChangeSubscriptions):
    """Everything that can be watched."""


def make_schema(limits: Limits | None = None) -> DoorSchema:
    """The schema, with everything that hides behind an interface."""
    return build(
        Query,
        Mutation,
        Subscription,
        types=[Job, *PROBLEMS.values()],
        actions={*auth.GRANTS, auth.SIGN_IN},
        limits=limits,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
