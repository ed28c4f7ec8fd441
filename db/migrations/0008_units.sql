-- one job gets so many bytes and events at most
-- depends: 0007_launch_plans

-- migrate: apply

-- events_per_job: of a generator what each job makes (null: 1), of other stages what its files have at most (null: any number)
ALTER TABLE stage
    ADD COLUMN bytes_per_job bigint CHECK (bytes_per_job >= 1),
    ALTER COLUMN events_per_job DROP NOT NULL,
    ALTER COLUMN events_per_job DROP DEFAULT;
UPDATE stage SET events_per_job = NULL
 WHERE kind <> 'generator' AND NOT (kind = 'test' AND dataset_id IS NULL);

-- migrate: rollback
