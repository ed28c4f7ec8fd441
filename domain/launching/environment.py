"""What the jobs of a submission, and its launch, find in their environment, by POMS's names and its older ones.

Some of POMS's names say something else than they seem to: programs of experiments rely on that.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSubject:
    """What is launched: ids, and the names that go with them."""

    experiment: str
    campaign_id: int
    campaign: str
    stage_id: int
    stage: str
    job_type_id: int | None
    kind: str
    version: str
    dataset: str
    """What `%(dataset)s` stands for; empty: nothing."""
    submission_id: int
    parent_id: int | None
    """The submission that it does again, or whose outputs it works on."""
    launcher: str
    """The user name."""
    is_test: bool


def build_launch_environment(of: LaunchSubject) -> dict[str, str]:
    """The variables; they win over those of the login setup."""
    return {
        "POMS4_CAMPAIGN_STAGE_ID": str(of.stage_id),
        "POMS4_CAMPAIGN_STAGE_NAME": _replace_blanks(of.stage),
        "POMS4_CAMPAIGN_STAGE_TYPE": of.kind,
        "POMS4_CAMPAIGN_ID": str(of.campaign_id),
        "POMS4_CAMPAIGN_NAME": _replace_blanks(of.campaign),
        "POMS4_SUBMISSION_ID": str(of.submission_id),
        # It goes into a ClassAd as it is.
        "POMS4_TEST_LAUNCH": str(of.is_test),
        # When POMS was young, what is a stage now was called a campaign.
        "POMS_CAMPAIGN_ID": str(of.stage_id),
        "POMS_CAMPAIGN_NAME": _replace_blanks(f"{of.campaign}__{of.stage}"),
        "POMS_PARENT_TASK_ID": "" if of.parent_id is None else str(of.parent_id),
        "POMS_TASK_ID": str(of.submission_id),
        "POMS_TASK_DEFINITION_ID": "" if of.job_type_id is None else str(of.job_type_id),
        "POMS_LAUNCHER": of.launcher,
        # To which test server a client of POMS reports; this is none.
        "POMS_TEST": "",
        "POMS_SUBMISSION_ID": str(of.submission_id),
        "POMS_EXPERIMENT": of.experiment,
        "POMS_VERSION": of.version,
        "POMS_DATASET": of.dataset,
        "GROUP": of.experiment,
        "JOBSUB_GROUP": of.experiment,
    }


def _replace_blanks(name: str) -> str:
    return name.replace(" ", "_")
