from datetime import datetime
from typing import Any, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import (
    AskKind,
    CatalogKind,
    ChangeKind,
    Completion,
    Consumption,
    CredentialKind,
    DeadlineFrom,
    HostKind,
    JobKind,
    RequestState,
    Role,
    StageKind,
    SubmissionState,
)


class ApproveRequestInput(BaseModel):
    """That you agree to a request as you have seen it."""

    id: str
    "Which request."
    plan_hash: str = Field(alias="planHash")
    "Its `planHash` when you looked at it."
    comment: str = ""
    "What there is to say to it, up to 1000 characters."
    behalf_of: Optional[str] = Field(alias="behalfOf", default=None)
    "The username of whom you decide for, as their delegate."


class AskInput(BaseModel):
    """One thing that is wanted."""

    kind: AskKind
    "Whether a dataset is to be processed, or events are to be generated."
    dataset: Optional[str] = None
    "Which dataset of the experiment."
    events: Optional[int] = None
    "How many events."
    software_version: str = Field(alias="softwareVersion", default="")
    "With which software."
    parameters: list["ParameterInput"] = Field(default_factory=lambda: [])
    "What else there is to say of it."
    keep: list["KeptOutputInput"] = Field(default_factory=lambda: [])
    "Which outputs are to be kept."


class BatchAttributeInput(BaseModel):
    """An attribute that jobs shall carry in HTCondor."""

    name: str
    "Its name, for example `WantGlidein`; those that the launch decides itself are refused."
    value: str
    'A ClassAd expression, for example `true` or, with its quotation marks, `"a text"`.'


class BatchOptionsInput(BaseModel):
    """What jobs ask of their batch system besides resources; each system takes what it knows."""

    requirements: str = ""
    "HTCondor: a ClassAd expression that machines must meet, for example `OpSysMajorVer >= 9`."
    attributes: list["BatchAttributeInput"] = Field(default_factory=lambda: [])
    "HTCondor: what the jobs carry, at most 50."
    container: str = ""
    "HTCondor: the image in which they run, for example `docker://almalinux:9` or a path."
    partition: str = ""
    "Slurm: the partition, or several with commas."
    account: str = ""
    "Slurm: the account."
    qos: str = ""
    "Slurm: the quality of service."


class CampaignDefaultsInput(BaseModel):
    """What holds for each stage of the campaign."""

    parameters: list["ParameterInput"] = Field(default_factory=lambda: [])
    "Over those of the job types."
    keywords: list["ParameterInput"] = Field(default_factory=lambda: [])
    "What `%(key)s` becomes in parameters and commands."


class CampaignFilter(BaseModel):
    """Which campaigns are wanted; what is left out wants all."""

    experiment: Optional[str] = None
    "Those of one experiment."
    active: Optional[bool] = None
    "Those that launch, or those that don't."
    name_contains: Optional[str] = Field(alias="nameContains", default=None)
    "Those with this in their names, in large or small letters."
    owner: Optional[str] = None
    "Those of one person, by username."
    tag: Optional[str] = None
    "Those with this tag."


class CatalogSettingInput(BaseModel):
    """What else is said of a catalog."""

    name: str
    "Which setting: of SAM `user`, `group` and `station`."
    value: str
    "What it is set to."


class ChangesFilter(BaseModel):
    """Which changes to watch; what is left out doesn't narrow."""

    experiment: Optional[str] = None
    "The name of one of your experiments; what is everybody's comes, too."
    campaign_id: Optional[str] = Field(alias="campaignId", default=None)
    "What happens in one campaign."
    submission_id: Optional[str] = Field(alias="submissionId", default=None)
    "What happens to one submission."
    kinds: Optional[list[ChangeKind]] = None
    "Only changes of these kinds."


class CreateCredentialInput(BaseModel):
    """The record of a credential; it is yours."""

    name: str
    "Unique in the experiment, up to 100 characters."
    kind: CredentialKind
    "What it is."
    path: str
    "Where it lies in the experiment's folder of credentials. Who makes what production owns may name any\nfile in there, others one below a folder of their own username. Never the secret itself."
    purpose: str = ""
    "What it is for."
    renewal: list[str] = Field(default_factory=lambda: [])
    "The command that renews it, as arguments, which finds the file's place in BEARER_TOKEN_FILE,\nX509_USER_PROXY and POMS_CREDENTIAL. It runs on the workers' machine as their account: for service admins."
    expires_at: Optional[datetime] = Field(alias="expiresAt", default=None)
    "Until when it holds, with a time zone, where the file itself doesn't say."
    covers_jobs: bool = Field(alias="coversJobs", default=False)
    "Whether it has to hold until the jobs' wall time is over."
    experiment: str
    "The experiment's name."


class CreateExperimentInput(BaseModel):
    """A new tenant."""

    name: str
    "Small letters, digits, `_` and `-`, up to 32, beginning with a letter."
    title: str = ""
    "What people call it."


class CreateJobTypeInput(BaseModel):
    """A new job type of an experiment."""

    name: str
    "Unique in the experiment, up to 100 characters."
    command: list[str]
    "The program and its arguments; no shell reads them."
    kind: JobKind = JobKind.PAYLOAD
    "What the command is: what each job runs, or a launch script, which submits the jobs by itself."
    consumption: Consumption = Consumption.PAYLOAD
    "Who says what became of the jobs' files; `EXIT_CODE` and `PROJECT` only for launch scripts."
    parameters: list["ParameterInput"] = Field(default_factory=lambda: [])
    "Appended to the command in this order."
    output_check: list[str] = Field(alias="outputCheck", default_factory=lambda: [])
    "A command that says whether a job's outputs are good; empty: none."
    patterns: list[str] = Field(default_factory=lambda: [])
    "Globs that a job's outputs match, each at least once."
    recoveries: list["RecoveryInput"] = Field(default_factory=lambda: [])
    "What is done with what a submission leaves undone, in this order."
    resources: Optional["ResourcesInput"] = None
    "What one job may use."
    experiment: str
    "The experiment's name."


class CreateLaunchHostInput(BaseModel):
    """A new place to launch from."""

    experiment: str
    "The experiment's name."
    name: str
    "Unique in the experiment, up to 100 characters."
    kind: HostKind = HostKind.LOCAL
    "How it is reached."
    address: str = ""
    "For ssh: its name or address, with `:port` if it isn't the usual one."
    account: str = ""
    "For `local`: as whom launch scripts run there; never the service's own."
    accounts: list[str] = Field(default_factory=lambda: [])
    "For ssh: patterns of the accounts that the experiment may use; only service admins say it."


class CreateLoginSetupInput(BaseModel):
    """A new login setup of an experiment."""

    name: str
    "Unique in the experiment, up to 100 characters."
    launch_host: str = Field(alias="launchHost")
    "The launch host's name."
    credential: Optional[str] = None
    "The credential's name; in analysis one of your own."
    account: str = ""
    "The account on the launch host: by ssh one that `allowedAccounts` has for each role that may use the setup."
    setup: list[str] = Field(default_factory=lambda: [])
    "Lines that the launch host's shell runs first."
    shared_with: list[Role] = Field(alias="sharedWith", default_factory=lambda: [])
    "Whose campaigns may use it, besides those of the role that owns it: with its credential and its account."
    environment: list["EnvironmentVariableInput"] = Field(default_factory=lambda: [])
    "Variables that jobs find in their environment."
    experiment: str
    "The experiment's name."


class CreateRequestInput(BaseModel):
    """A new request of an experiment."""

    title: str
    "What it is about, up to 100 characters."
    purpose: str = ""
    "What it is for, in Markdown: who decides has nothing else to go by."
    physics_group: str = Field(alias="physicsGroup", default="")
    "For which group of physicists."
    priority: int = 0
    "The priority that is wanted, from -1000 to 1000."
    needed_by: Optional[datetime] = Field(alias="neededBy", default=None)
    "Until when it is needed."
    cpu_hours: Optional[float] = Field(alias="cpuHours", default=None)
    "How much it is expected to take."
    storage_bytes: Optional[int] = Field(alias="storageBytes", default=None)
    "How much room its outputs are expected to need."
    asks: list["AskInput"] = Field(default_factory=lambda: [])
    "What is wanted."
    campaign: Optional[str] = None
    "The name of the campaign that is its plan: yours to change, and of no other request. It may be a draft."
    experiment: str
    "The experiment's name."


class DependencyInput(BaseModel):
    """An edge between two stages: outputs of the one launch the other."""

    upstream: str
    "The name of the stage whose outputs go on."
    downstream: str
    "The name of the stage that is launched; the same stage's: its next slice."
    patterns: list[str] = Field(default_factory=lambda: [])
    "Which outputs go on, by globs such as `*.root`, or with a `%` by LIKE, such as `%_reco.root`; none: all."


class EnvironmentVariableInput(BaseModel):
    """A variable that jobs and launch scripts shall find in their environment."""

    key: str
    "Its name."
    value: Optional[str] = None
    "Its value; keywords are filled in, except in a secret. Of a secret that is there null keeps the value."
    is_secret: bool = Field(alias="isSecret", default=False)
    "A secret is never shown again, to nobody; it reaches launches only."


class FileInput(BaseModel):
    """A file that is there, with what is known of it; what is told later fills in what was not."""

    name: str
    "Unique in the experiment: 1 to 255 bytes without a slash; of an outside catalog 1 to 500, slashes too."
    size: Optional[int] = None
    "In bytes; null: unknown."
    location: Optional[str] = None
    "An absolute path below one of the experiment's `folders`, without `..`, or an address: `root://…`, `https://…`,\n`gsiftp://…` and others, which jobs are given as it is. Null: only the outside catalog knows."
    replicas: Optional[list[str]] = None
    "Where else it lies: at most 20 paths or addresses."
    catalog: str = "embedded"
    "Which catalog knows it: `embedded`, or the name of an outside one, such as `rucio` or `sam`."
    checksum: Optional[str] = None
    "With its algorithm in front, for example `sha256:…`."
    events: Optional[int] = None
    "How many events it holds."
    run: Optional[int] = None
    "The run it belongs to."
    metadata: Optional[Any] = None
    "Whatever else is known of it: one JSON object of at most 10,000 bytes."


class ImportCampaignInput(BaseModel):
    """A campaign file, POMS's `.ini`, that shall be a campaign from now on."""

    experiment: str
    "The experiment's name, whatever the file says."
    file_name: str = Field(alias="fileName")
    "What the file is called, for findings and the list of revisions; at most 200 characters."
    text: str
    "The whole file, at most 500,000 characters."
    comment: str = ""
    "Why, for the list of revisions; at most 1,000 characters."
    expected_revision: Optional[int] = Field(alias="expectedRevision", default=None)
    "Refuse when somebody has saved the campaign since this revision; 0: when it is there at all."
    dry_run: bool = Field(alias="dryRun", default=False)
    "Import nothing, say what would change."


class KeptOutputInput(BaseModel):
    """Outputs of a stage that are to be kept."""

    stage: str
    "The stage's name."
    days: Optional[int] = None
    "How long; null: for ever."
    place: str = ""
    "Where; empty: where the campaign puts them."


class LaunchQueueFilter(BaseModel):
    """Which launches that wait are wanted; what is left out doesn't narrow."""

    experiment: Optional[str] = None
    "The name of one of your experiments."
    campaign_id: Optional[str] = Field(alias="campaignId", default=None)
    "Of one campaign."
    stage_id: Optional[str] = Field(alias="stageId", default=None)
    "Of one stage."


class ParameterInput(BaseModel):
    """A key and its value, written one after the other on the command line."""

    key: str
    "What stands before the value, for example `--events=`."
    value: str
    "What stands after the key; `%(dataset)s` and other keywords are filled in at the launch."


class RecoveryInput(BaseModel):
    """One way of doing again what a submission left undone."""

    type_: str = Field(alias="type")
    "Which files it takes: consumed_status, process_status, added_files, delivered_not_consumed, pending_files,\nfailed, orphans or all."
    overrides: list["ParameterInput"] = Field(default_factory=lambda: [])
    "Parameters that win over all others, for example more memory."
    rounds: int = 1
    "How often it is tried: 1 to 10."
    factors: Optional["ResourceFactorsInput"] = None
    "What the stage's resources are multiplied with, once more in each round."
    least_share: int = Field(alias="leastShare", default=0)
    "In percent of the submission's files: fewer are not worth it."
    most_share: int = Field(alias="mostShare", default=100)
    "In percent of the submission's files: of more a person is asked."
    patterns: list[str] = Field(default_factory=lambda: [])
    "Of `pending_files`: the globs for which each file should have a descendant; none: the job type's."
    depth: int = 1
    "Of `pending_files`: how many steps down these descendants are, 1 to 10."


class RequestsFilter(BaseModel):
    """Which requests are wanted; what is left out doesn't narrow."""

    experiment: Optional[str] = None
    "The name of one of your experiments."
    states: Optional[list[RequestState]] = None
    "In one of these states; left out: any that is not archived."
    title_contains: Optional[str] = Field(alias="titleContains", default=None)
    "Those with this in their titles, in large or small letters."
    mine: bool = False
    "Only those that you own."
    waiting_on_me: bool = Field(alias="waitingOnMe", default=False)
    "Only those for which a rule asks you now to agree."


class ResourceFactorsInput(BaseModel):
    """What resources are multiplied with, 0.1 to 10; over all rounds at most 16."""

    cpus: Optional[float] = None
    "Cores."
    memory_mb: Optional[float] = Field(alias="memoryMb", default=None)
    "Memory."
    disk_mb: Optional[float] = Field(alias="diskMb", default=None)
    "Disk."
    walltime_s: Optional[float] = Field(alias="walltimeS", default=None)
    "Wall time."


class ResourcesInput(BaseModel):
    """What one job may use."""

    cpus: Optional[int] = None
    "Cores, from 1."
    memory_mb: Optional[int] = Field(alias="memoryMb", default=None)
    "Memory in MB, from 1."
    disk_mb: Optional[int] = Field(alias="diskMb", default=None)
    "Disk in MB, from 1."
    walltime_s: Optional[int] = Field(alias="walltimeS", default=None)
    "Seconds of wall time, from 1."


class SaveCampaignInput(BaseModel):
    """A whole campaign as it shall be from now on."""

    experiment: str
    "The experiment's name."
    name: str
    "Unique in the experiment; one that isn't there yet is made."
    description: str = ""
    "What it is for."
    defaults: Optional["CampaignDefaultsInput"] = None
    "What holds for each stage."
    stages: list["StageInput"]
    "All its steps, 1 to 200; those that it had and that are not in the list become inactive."
    dependencies: list["DependencyInput"] = Field(default_factory=lambda: [])
    "Which stages launch which, at most 1,000."
    comment: str = ""
    "Why, for the list of revisions; at most 1,000 characters."
    expected_revision: Optional[int] = Field(alias="expectedRevision", default=None)
    "Refuse when somebody has saved it since this revision; 0: when it is there at all."
    dry_run: bool = Field(alias="dryRun", default=False)
    "Save nothing, say what would change."


class SaveCatalogInput(BaseModel):
    """A catalog as it shall be from now on."""

    experiment: str
    "The experiment's name."
    name: str
    "Unique in the experiment, up to 100 characters; one that is there is recorded anew."
    kind: CatalogKind
    "What it is; it can't become something else."
    url: str
    "Where it is asked: of SAM `https://samweb.example.org:8483/sam/EXPERIMENT/api`."
    settings: list["CatalogSettingInput"] = Field(default_factory=lambda: [])
    "What else is said of it."
    credential: Optional[str] = None
    "The name of a credential of the experiment with which it is asked; null: as nobody."


class SetMembershipInput(BaseModel):
    """What a person shall be in an experiment."""

    experiment: str
    "The experiment's name."
    username: str
    "The person's."
    role: Optional[Role] = None
    "The new role; null takes the person out of the experiment."
    reason: str = ""
    "Why, up to 1000 characters; it stands in the change."


class StageInput(BaseModel):
    """One step of the campaign, with what it refers to by name."""

    name: str
    "Unique in the campaign; a stage with another name is another stage."
    job_type: str = Field(alias="jobType")
    "The job type's name."
    login_setup: str = Field(alias="loginSetup")
    "The login setup's name."
    kind: StageKind = StageKind.REGULAR
    "What it does when it is launched."
    dataset: Optional[str] = None
    "The name of what it works on; a stage with something upstream needs none."
    parameter_lists: list[list[str]] = Field(
        alias="parameterLists", default_factory=lambda: []
    )
    "What `multiparam` makes its combinations of, the first list changing fastest; of `list` the one."
    split: str = "none"
    "How its work is cut into slices, such as `nfiles(20)`, `byrun(low=1, high=100)`, `nbytes(10GB)`;\n`docs/splits.md` has them all, and `previewSplit` shows what comes of it."
    test_split: Optional[str] = Field(alias="testSplit", default=None)
    "The same for test launches; null: as for others."
    software_version: str = Field(alias="softwareVersion", default="")
    "The version that its jobs run, the keyword `%(version)s`."
    parameters: list["ParameterInput"] = Field(default_factory=lambda: [])
    "Over those of the job type and the campaign."
    test_parameters: list["ParameterInput"] = Field(
        alias="testParameters", default_factory=lambda: []
    )
    "Over all these in test launches."
    files_per_job: int = Field(alias="filesPerJob", default=1)
    "How many files one job works on at most: 1 to 100,000."
    bytes_per_job: Optional[int] = Field(alias="bytesPerJob", default=None)
    "How large the files of one job are together at most; one that is larger has a job of its own. Null: any size."
    jobs_per_slice: int = Field(alias="jobsPerSlice", default=1)
    "How many jobs one launch of a generator starts: 1 to 100,000."
    events_per_job: Optional[int] = Field(alias="eventsPerJob", default=None)
    "How many events one job of a generator makes (null: 1); of other stages, how many its files have together\nat most, with a job of its own for one that has more (null: any number)."
    completion: Completion = Completion.LOCATED
    "When a submission counts as usable."
    completion_pct: int = Field(alias="completionPct", default=95)
    "Of how many of the files that were done (of a generator: of its jobs) the outputs must be located, in percent."
    deadline_s: Optional[int] = Field(alias="deadlineS", default=None)
    "Within how many seconds a submission must be located, or it is marked as overdue; null: no deadline."
    deadline_from: DeadlineFrom = Field(
        alias="deadlineFrom", default=DeadlineFrom.LAUNCH
    )
    "From when these count."
    recoveries: Optional[list["RecoveryInput"]] = None
    "What is done with what a submission leaves undone; null: as the job type says."
    resources: Optional["ResourcesInput"] = None
    "What one job may use, over what the job type says."
    batch_system: str = Field(alias="batchSystem", default="local")
    "Where its jobs run."
    batch_options: Optional["BatchOptionsInput"] = Field(
        alias="batchOptions", default=None
    )
    "What they ask of that batch system besides."
    most_unfinished: Optional[int] = Field(alias="mostUnfinished", default=None)
    "How many of its submissions may be unfinished at once; null: any number."
    most_jobs: Optional[int] = Field(alias="mostJobs", default=None)
    "How many of their jobs may not be over at once; null: any number."
    merge_overrides: bool = Field(alias="mergeOverrides", default=True)
    "Whether the campaign's parameters hold for it, between those of the job type and its own."
    output_ancestor_depth: int = Field(alias="outputAncestorDepth", default=1)
    "Which outputs count for its completion and go on to the stages after it: 1, those that jobs made straight from\ntheir inputs; 2, those that they made from these; and so on, up to 10."
    until_exhausted: Optional[bool] = Field(alias="untilExhausted", default=None)
    "Whether its schedule, if it has one, ends when there are no more slices; null: as it is, at first it does."


class SubmissionsFilter(BaseModel):
    """Which submissions are wanted; what is left out doesn't narrow."""

    experiment: Optional[str] = None
    "The name of one of your experiments."
    campaign_id: Optional[str] = Field(alias="campaignId", default=None)
    "Of one campaign."
    stage_id: Optional[str] = Field(alias="stageId", default=None)
    "Of one stage."
    states: Optional[list[SubmissionState]] = None
    "In one of these states."
    is_test: Optional[bool] = Field(alias="isTest", default=None)
    "Tests only, or no tests."
    created_by: Optional[str] = Field(alias="createdBy", default=None)
    "The person who launched it."
    since: Optional[datetime] = None
    "Launched then or later."
    until: Optional[datetime] = None
    "Launched before then."


class WaiveInputsInput(BaseModel):
    """Inputs that nobody wants done any more: of a submission with its recoveries, or of a stage."""

    id: str
    "The submission, or a recovery of it; or the stage, whose tests are left out."
    file_ids: Optional[list[str]] = Field(alias="fileIds", default=None)
    "Which files, at most 1,000; null: all that are owed or lost, of a generator all such units."
    reason: str
    "Why; it is told with the change, and stays with each input."


AskInput.model_rebuild()
BatchOptionsInput.model_rebuild()
CampaignDefaultsInput.model_rebuild()
CreateJobTypeInput.model_rebuild()
CreateLoginSetupInput.model_rebuild()
CreateRequestInput.model_rebuild()
RecoveryInput.model_rebuild()
SaveCampaignInput.model_rebuild()
SaveCatalogInput.model_rebuild()
StageInput.model_rebuild()
