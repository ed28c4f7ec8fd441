-- campaigns whose newest revision can't be launched as it is
-- depends: 0010_recoveries

-- migrate: apply

ALTER TABLE campaign ADD COLUMN draft boolean NOT NULL DEFAULT false;
ALTER TABLE campaign ADD CONSTRAINT drafts_launch_nothing CHECK (NOT (draft AND active));

-- migrate: rollback
