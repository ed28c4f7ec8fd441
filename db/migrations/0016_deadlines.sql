-- stages may have a deadline: what is not located by then is marked as overdue
-- depends: 0015_credentials

-- migrate: apply

CREATE TYPE deadline_from AS ENUM ('launch', 'completed');

ALTER TABLE stage
    ADD COLUMN deadline_s int CHECK (deadline_s >= 1),
    ADD COLUMN deadline_from deadline_from NOT NULL DEFAULT 'launch';
ALTER TABLE submission ADD COLUMN overdue_since timestamptz;

CREATE INDEX submission_due ON submission (stage_id, id)
    WHERE origin_id IS NULL AND overdue_since IS NULL AND state NOT IN ('located', 'cancelled', 'removed');

-- migrate: rollback
