-- lanes: one action of a submission at a time, who waits for a batch system's answer, and what hangs
-- depends: 0023_launch_scripts

-- migrate: apply

-- One action of a submission is carried out at a time, by whoever has its lease: what is asked later waits its turn.
ALTER TABLE action
    ADD COLUMN lease_until timestamptz,
    ADD CHECK (done_at IS NULL OR lease_until IS NULL);
CREATE UNIQUE INDEX one_action_at_a_time ON action (submission_id) WHERE lease_until IS NOT NULL;

-- Until when somebody waits for the answer of a batch system that was asked how it is: it is not asked meanwhile.
ALTER TABLE batch_system ADD COLUMN asking_until timestamptz;

-- Lanes of workers in which calls hang, by who tells of them: shown while they are told of.
CREATE TABLE hanging_lane (
    holder  text        NOT NULL,
    lane    text        NOT NULL,
    hung    int         NOT NULL,
    is_open boolean     NOT NULL,
    since   timestamptz NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (holder, lane)
);

-- migrate: rollback
