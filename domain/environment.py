"""What the jobs of a submission, and its launch, find in their environment, by POMS's names and its older ones."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """What is launched: ids, and the names that go with them."""

    experiment: str
    campaign_id: int
    campaign: str
    stage_id: int
    stage: str
    kind: str
    version: str
    submission_id: int
    parent_id: int | None
    """The submission that it does again, or whose outputs it works on."""
    launcher_id: int
    is_test: bool


def environment(of: Launched) -> dict[str, str]:
    """The variables; they win over those of the login setup."""
    test = "1" if of.is_test else ""
    return {
        "POMS4_CAMPAIGN_STAGE_ID": str(of.stage_id),
        "POMS4_CAMPAIGN_STAGE_NAME": of.stage,
        "POMS4_CAMPAIGN_STAGE_TYPE": of.kind,
        "POMS4_CAMPAIGN_ID": str(of.campaign_id),
        "POMS4_CAMPAIGN_NAME": of.campaign,
        "POMS4_SUBMISSION_ID": str(of.submission_id),
        "POMS4_TEST_LAUNCH": test,
        "POMS_CAMPAIGN_ID": str(of.campaign_id),
        "POMS_CAMPAIGN_NAME": of.campaign,
        "POMS_PARENT_TASK_ID": "" if of.parent_id is None else str(of.parent_id),
        "POMS_TASK_ID": str(of.submission_id),
        "POMS_LAUNCHER": str(of.launcher_id),
        "POMS_TEST": test,
        "POMS_SUBMISSION_ID": str(of.submission_id),
        "POMS_EXPERIMENT": of.experiment,
        "POMS_VERSION": of.version,
        "JOBSUB_GROUP": of.experiment,
    }
