-- outputs are matched by their names; experiments may be given folders besides their own; late files of joins are launched
-- depends: 0023_launch_scripts

-- migrate: apply

-- A job said which pattern it had in mind: nothing is decided by that any more.
ALTER TABLE output_file DROP COLUMN pattern;

-- Folders besides its own in which an experiment's files may lie: absolute, without `..`.
ALTER TABLE experiment ADD COLUMN folders text[] NOT NULL DEFAULT '{}';

-- What came late for a set is launched as the set once more, at a place of its own.
ALTER TABLE joined
    ADD COLUMN again int NOT NULL DEFAULT 0,
    DROP CONSTRAINT joined_once,
    ADD CONSTRAINT joined_once UNIQUE (stage_id, is_test, key, turn, again);

-- migrate: rollback
