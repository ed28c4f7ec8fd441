-- one bad thing stops nobody else: what a worker failed at is set aside for a while, and each loop's last good step
-- depends: 0023_launch_scripts

-- migrate: apply

ALTER TYPE discrepancy_kind ADD VALUE 'unreadable_report';
ALTER TYPE discrepancy_kind ADD VALUE 'set_aside';
ALTER TYPE repair ADD VALUE 'retry';

-- What a loop failed at and has not done since. Loops take nothing of which the time to try it again has not come.
CREATE TABLE setback (
    loop          text        NOT NULL,
    subject       text        NOT NULL,                 -- as a client writes it: submission:12
    submission_id bigint      REFERENCES submission ON DELETE CASCADE,
    experiment_id bigint      REFERENCES experiment ON DELETE CASCADE,
    tries         int         NOT NULL DEFAULT 1,
    error         text        NOT NULL,
    first_at      timestamptz NOT NULL DEFAULT now(),
    try_at        timestamptz NOT NULL,
    PRIMARY KEY (loop, subject)
);

-- A row for each loop, of whichever worker ran it last.
CREATE TABLE loop_progress (
    loop     text        PRIMARY KEY,
    good_at  timestamptz NOT NULL DEFAULT now(),        -- when a step of it ended well
    holder   text        NOT NULL
);

-- migrate: rollback
