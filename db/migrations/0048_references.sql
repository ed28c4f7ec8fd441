-- what rows of experiments name: ids of others', as views of 0037_row_policies
-- depends: 0046_listings

-- migrate: apply

CREATE VIEW foreign_credential AS SELECT id FROM credential WHERE NOT (SELECT reaches_all())
    AND experiment_id <> ALL (coalesce((SELECT reached_experiments()), '{}'));
CREATE VIEW foreign_job_type AS SELECT id FROM job_type WHERE NOT (SELECT reaches_all())
    AND experiment_id <> ALL (coalesce((SELECT reached_experiments()), '{}'));
CREATE VIEW foreign_catalog AS SELECT id FROM catalog WHERE NOT (SELECT reaches_all())
    AND experiment_id <> ALL (coalesce((SELECT reached_experiments()), '{}'));
CREATE VIEW foreign_upload AS SELECT id FROM upload WHERE NOT (SELECT reaches_all())
    AND experiment_id <> ALL (coalesce((SELECT reached_experiments()), '{}'));
CREATE VIEW foreign_dependency AS SELECT d.id FROM dependency d JOIN foreign_campaign f ON f.id = d.campaign_id;
CREATE VIEW foreign_slice AS SELECT s.id FROM slice s JOIN foreign_stage f ON f.id = s.stage_id;
CREATE VIEW foreign_snapshot AS SELECT s.id FROM snapshot s JOIN foreign_dataset f ON f.id = s.dataset_id;

-- migrate: rollback
