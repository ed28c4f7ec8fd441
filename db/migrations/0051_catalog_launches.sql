-- launches in a catalog outside: what their files are called there, and the project that hands these out
-- depends: 0050_passwords

-- migrate: apply

ALTER TYPE consumption ADD VALUE 'project';
CREATE TYPE catalog_launch_state AS ENUM ('requested', 'ready', 'concluded');

CREATE TABLE catalog_launch (
    submission_id bigint               PRIMARY KEY,
    catalog_id    bigint               NOT NULL REFERENCES catalog,
    name          text                 NOT NULL,        -- of its files together, there as here
    project       text                 NOT NULL DEFAULT '', -- empty: none is asked for
    staging       text                 NOT NULL DEFAULT '', -- the mark by which files are brought to disk; empty: they aren't
    state         catalog_launch_state NOT NULL DEFAULT 'requested',
    next_try_at   timestamptz          DEFAULT now(),   -- null: nothing is left to do
    attempts      int                  NOT NULL DEFAULT 0, -- that failed in a row
    trouble       text                 NOT NULL DEFAULT '',
    claims        int                  NOT NULL DEFAULT 0,
    held_until    timestamptz,
    waiting       int                  NOT NULL DEFAULT 0, -- files: of a project not handed out, of staging still on tape
    delivered     int                  NOT NULL DEFAULT 0, -- handed out, and not more; on disk
    consumed      int                  NOT NULL DEFAULT 0,
    failed        int                  NOT NULL DEFAULT 0, -- or stuck
    read_at       timestamptz,                          -- when the project was last asked
    concluded_at  timestamptz                           -- when it was last asked for all, after the jobs' end
);
CREATE INDEX catalog_launch_due ON catalog_launch (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX catalog_launch_catalog ON catalog_launch (catalog_id);

-- migrate: rollback
