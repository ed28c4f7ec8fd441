-- files that a dataset's catalog has no more, or otherwise, are left out of slices
-- depends: 0052_summaries

-- migrate: apply

ALTER TABLE listing_difference ADD COLUMN ordinal bigint;   -- in the dataset; null: it hasn't got the file
UPDATE listing_difference x SET ordinal = d.ordinal
  FROM dataset s, file f, dataset_file d
 WHERE s.id = x.dataset_id AND f.experiment_id = s.experiment_id AND f.name = x.name AND f.test_of = 0
   AND d.dataset_id = s.id AND d.file_id = f.id;
CREATE INDEX listing_difference_ordinal ON listing_difference (dataset_id, ordinal) WHERE ordinal IS NOT NULL;

ALTER TABLE slice ADD COLUMN missing int NOT NULL DEFAULT 0; -- files that were left out of it

-- migrate: rollback

ALTER TABLE slice DROP COLUMN missing;
ALTER TABLE listing_difference DROP COLUMN ordinal;
