-- whether the campaign's parameters hold for a stage
-- depends: 0005_batch_options

-- migrate: apply

ALTER TABLE stage ADD COLUMN merge_overrides boolean NOT NULL DEFAULT true;

-- migrate: rollback
