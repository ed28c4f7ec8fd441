"""The change that tells of the end of discrepancies, for all statements that end some."""


def tell_ends(by: str) -> str:
    """The insertion that belongs to an end: drawn from the CTE `ended`, whole rows of `discrepancy`.

    `by` is SQL for who ends them.
    """
    return f"""
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
    SELECT coalesce(d.experiment_id, 0), s.campaign_id, d.submission_id, 'discrepancy.' || d.resolution, {by},
           nullif(d.reason, ''),
           jsonb_build_object('id', d.id, 'kind', d.kind, 'batch_system', d.batch_system, 'native_id', d.native_id)
      FROM ended d LEFT JOIN submission s ON s.id = d.submission_id
"""
