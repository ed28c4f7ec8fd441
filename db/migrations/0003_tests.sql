-- test launches keep to themselves: their files, and what they feed, are not production's
-- depends: 0002_splits

-- migrate: apply

-- 0: production's; else the submission whose test made it, so that a test may make a file of any name.
ALTER TABLE file ADD COLUMN test_of bigint NOT NULL DEFAULT 0;
ALTER TABLE file DROP CONSTRAINT file_experiment_id_name_key;
ALTER TABLE file ADD CONSTRAINT file_name_is_unique UNIQUE (experiment_id, name, test_of);

-- What test launches of a stage work on that others feed: made when the first test upstream is located.
ALTER TABLE stage ADD COLUMN test_dataset_id bigint REFERENCES dataset;

-- migrate: rollback
