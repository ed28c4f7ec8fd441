"""The three roots, composed of one class per noun."""

from strawberry.schema.config import StrawberryConfig

from auth import ANYBODYS
from domain.permissions import GRANTS
from door import build_schema
from door.budgets import Budget
from door.describe import declare_object_type
from door.limits import OperationLimits
from door.schema import DoorSchema
from resolvers.batch.batch_systems import BatchSystemMutations, BatchSystemQueries
from resolvers.batch.discrepancies import DiscrepancyMutations, DiscrepancyQueries
from resolvers.batch.installation import InstallationMutations, InstallationQueries
from resolvers.campaigns.campaigns import CampaignMutations, CampaignQueries
from resolvers.campaigns.schedules import ScheduleMutations
from resolvers.campaigns.stages import StageQueries
from resolvers.files.catalogs import CatalogMutations, CatalogQueries
from resolvers.files.datasets import DatasetMutations, DatasetQueries
from resolvers.files.listings import ListingMutations
from resolvers.launching.effective_parameters import ParameterQueries
from resolvers.launching.file_checks import FileCheckMutations
from resolvers.launching.joins import JoinQueries
from resolvers.launching.late_files import LateFileMutations
from resolvers.launching.launches import PROBLEMS, LaunchMutations
from resolvers.launching.limits import LimitMutations
from resolvers.launching.queue import QueueMutations, QueueQueries
from resolvers.launching.slice_previews import SplitQueries
from resolvers.launching.split_positions import CursorMutations
from resolvers.nodes import NodeQueries
from resolvers.people.experiments import ExperimentMutations, ExperimentQueries
from resolvers.people.leaving import LeavingMutations
from resolvers.people.people import PeopleMutations, PeopleQueries
from resolvers.people.service_tokens import ServiceTokenMutations, ServiceTokenQueries
from resolvers.recovery.recoveries import RecoveryMutations, RecoveryQueries
from resolvers.requests.approval_rules import ApprovalRuleMutations, ApprovalRuleQueries
from resolvers.requests.decisions import DecisionMutations
from resolvers.requests.requests import RequestMutations, RequestQueries
from resolvers.setup.batch_allowances import BatchAllowanceMutations, BatchAllowanceQueries
from resolvers.setup.credentials import CredentialMutations, CredentialQueries
from resolvers.setup.job_types import JobTypeMutations, JobTypeQueries
from resolvers.setup.launch_hosts import LaunchHostMutations, LaunchHostQueries
from resolvers.setup.login_setups import LoginSetupMutations, LoginSetupQueries
from resolvers.setup.uploads import UploadMutations, UploadQueries
from resolvers.submissions.changes import ChangeQueries, ChangeSubscriptions
from resolvers.submissions.ownership import OwnershipMutations
from resolvers.submissions.submissions import SubmissionMutations, SubmissionQueries
from resolvers.submissions.triage import TriageQueries
from resolvers.submissions.waivers import WaiverMutations
from schema.numbers import SCALARS
from schema.submissions.jobs import Job


@declare_object_type
class Query(
    NodeQueries,
    PeopleQueries,
    ExperimentQueries,
    ServiceTokenQueries,
    LaunchHostQueries,
    BatchAllowanceQueries,
    CredentialQueries,
    LoginSetupQueries,
    JobTypeQueries,
    UploadQueries,
    CatalogQueries,
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
    RequestQueries,
    ApprovalRuleQueries,
    ChangeQueries,
    TriageQueries,
    BatchSystemQueries,
    InstallationQueries,
):
    """Everything that can be read."""


@declare_object_type
class Mutation(
    PeopleMutations,
    LeavingMutations,
    ServiceTokenMutations,
    OwnershipMutations,
    ExperimentMutations,
    LaunchHostMutations,
    BatchAllowanceMutations,
    BatchSystemMutations,
    InstallationMutations,
    CredentialMutations,
    LoginSetupMutations,
    JobTypeMutations,
    UploadMutations,
    CatalogMutations,
    DatasetMutations,
    FileCheckMutations,
    ListingMutations,
    DiscrepancyMutations,
    CampaignMutations,
    CursorMutations,
    ScheduleMutations,
    LaunchMutations,
    QueueMutations,
    LimitMutations,
    SubmissionMutations,
    WaiverMutations,
    RecoveryMutations,
    RequestMutations,
    DecisionMutations,
    ApprovalRuleMutations,
    LateFileMutations,
):
    """Everything that can be changed. Asking again with the same `idempotencyKey` gives the same answer, and changes
    nothing twice; what has an id is shown as it is now. After a problem the key can be used again."""


@declare_object_type
class Subscription(ChangeSubscriptions):
    """Everything that can be watched."""


ROOTS = (Query, Mutation, Subscription)


def make_schema(limits: OperationLimits | None = None, budget: Budget | None = None) -> DoorSchema:
    """The schema, with everything that hides behind an interface."""
    return build_schema(
        Query,
        Mutation,
        Subscription,
        types=[Job, *PROBLEMS.values()],
        actions={*GRANTS, *ANYBODYS},
        limits=limits,
        budget=budget,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
