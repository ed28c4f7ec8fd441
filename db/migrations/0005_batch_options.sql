-- what a stage asks of its batch system besides resources
-- depends: 0004_batch_systems

-- migrate: apply

ALTER TABLE stage ADD COLUMN batch_options jsonb NOT NULL DEFAULT '{}';

-- migrate: rollback
