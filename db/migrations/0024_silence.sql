-- launches of which nothing was heard for long are looked up, and said to be silent where that tells nothing
-- depends: 0023_launch_scripts

-- migrate: apply

ALTER TABLE submission
    ADD COLUMN heard_at     timestamptz,            -- when something new was last told of its jobs
    ADD COLUMN ask_at       timestamptz,            -- when its batch system is asked for it again, if still nothing is
    ADD COLUMN silent_since timestamptz,
    ADD COLUMN silence      text NOT NULL DEFAULT '';

-- migrate: rollback

ALTER TABLE submission DROP COLUMN heard_at, DROP COLUMN ask_at, DROP COLUMN silent_since, DROP COLUMN silence;
