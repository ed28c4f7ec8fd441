-- what the database and the batch systems say differently of launches; a restored database is noticed
-- depends: 0008_units

-- migrate: apply

CREATE TYPE discrepancy_kind AS ENUM ('twin', 'abandoned', 'orphan', 'vanished', 'never_opened', 'running_though_ended');
CREATE TYPE repair AS ENUM ('remove', 'open', 'close');
CREATE TYPE resolution AS ENUM ('gone', 'repaired', 'dismissed');

CREATE TABLE discrepancy (
    id            bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          discrepancy_kind NOT NULL,
    batch_system  text             NOT NULL,
    native_id     text             NOT NULL,
    mark          text             NOT NULL,
    submission_id bigint           REFERENCES submission,
    experiment_id bigint           REFERENCES experiment,   -- none: the service's admins' alone
    jobs          int              NOT NULL,
    started       boolean          NOT NULL,
    details       text             NOT NULL,
    repair        repair           NOT NULL,
    first_seen    timestamptz      NOT NULL DEFAULT now(),
    last_seen     timestamptz      NOT NULL DEFAULT now(),
    repair_by     bigint           REFERENCES person,       -- who asked for the repair
    repair_at     timestamptz,                              -- when a worker tries it (again)
    repaired_at   timestamptz,                              -- when one has done it
    said          text             NOT NULL DEFAULT '',
    resolution    resolution,
    resolved_at   timestamptz,
    resolved_by   bigint           REFERENCES person,
    reason        text             NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX discrepancy_open ON discrepancy (batch_system, native_id, kind) WHERE resolved_at IS NULL;
CREATE INDEX discrepancy_thing ON discrepancy (batch_system, native_id, kind);
CREATE INDEX discrepancy_experiment ON discrepancy (experiment_id, id);
CREATE INDEX discrepancy_submission ON discrepancy (submission_id);
CREATE INDEX discrepancy_repair ON discrepancy (repair_at) WHERE repair_at IS NOT NULL;

CREATE INDEX submission_at_batch ON submission (batch_system) WHERE state IN ('idle', 'running', 'held');

CREATE TABLE reconciliation (
    batch_system text        PRIMARY KEY,
    done_at      timestamptz NOT NULL DEFAULT '-infinity',  -- what was there then is accounted for
    asked_at     timestamptz NOT NULL DEFAULT now()
);

-- The histories before the present one, each ended by a restored dump: the marks of their launches are ours, too.
CREATE TABLE past_history (
    history_id uuid        PRIMARY KEY,
    ended_at   timestamptz NOT NULL DEFAULT now()
);

-- Grows with each launch attempt; what is kept in the spool is never ahead of it, unless it was restored.
CREATE SEQUENCE launch_number;

-- migrate: rollback
