-- one clock decides, the database's; an installation has an identity of its own
-- depends: 0023_launch_scripts

-- migrate: apply

-- A turn once taken is never taken again, whatever a worker believes of the time.
UPDATE schedule SET last_at = NULL WHERE next_at <= last_at;
ALTER TABLE schedule ADD CONSTRAINT schedule_goes_on CHECK (next_at > last_at);

CREATE TABLE host_clock (
    process     text        PRIMARY KEY,
    offset_s    float8      NOT NULL,                -- for how long its clock is ahead of ours
    measured_at timestamptz NOT NULL DEFAULT now()
);

-- An installation is a database and a spool that belong together; a copy of them is another one.
CREATE TABLE installation (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    id       uuid    NOT NULL,
    database text    NOT NULL,                          -- the cluster's system identifier and the database's oid
    spool    text    NOT NULL,                          -- inode and time of change of its lock file
    place    text    NOT NULL                           -- machine, root and path of the spool
);

CREATE TYPE installation_answer AS ENUM ('moved', 'copy');
CREATE TABLE installation_doubt (
    one         boolean     PRIMARY KEY DEFAULT true CHECK (one),
    why         text        NOT NULL,
    asks        boolean     NOT NULL,                   -- whether somebody has to answer
    database    text        NOT NULL,                   -- as it was seen then
    spool       text        NOT NULL,
    place       text        NOT NULL,
    since       timestamptz NOT NULL DEFAULT now(),
    last_seen   timestamptz NOT NULL DEFAULT now(),     -- workers in doubt say so again and again
    answer      installation_answer,
    answered_by bigint      REFERENCES person,
    answered_at timestamptz
);

-- migrate: rollback
