-- the disks that workers write to, as far as each can write there now
-- depends: 0023_launch_scripts

-- migrate: apply

CREATE TABLE disk (
    place      text        NOT NULL,                -- spool, store
    host       text        NOT NULL,                -- whose disk it is, unless they share one
    free_bytes bigint      NOT NULL,
    problem    text        NOT NULL DEFAULT '',     -- why nothing can be written
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (place, host)
);

-- migrate: rollback

DROP TABLE disk;
