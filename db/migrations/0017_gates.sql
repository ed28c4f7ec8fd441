-- what keeps launches from a batch system: somebody paused it, or it was unavailable again and again
-- depends: 0016_deadlines

-- migrate: apply

ALTER TABLE batch_system
    ADD COLUMN paused_by    bigint      REFERENCES person,
    ADD COLUMN paused_at    timestamptz,
    ADD COLUMN pause_reason text        NOT NULL DEFAULT '',
    ADD COLUMN faults       int         NOT NULL DEFAULT 0,     -- launches in a row that found it unavailable
    ADD COLUMN fault        text        NOT NULL DEFAULT '',    -- what the last of them was told
    ADD COLUMN opened_at    timestamptz,                        -- since when launches are not tried
    ADD COLUMN probe_at     timestamptz,                        -- when one of them is, to see whether it is well again
    ADD COLUMN launch_at    timestamptz NOT NULL DEFAULT now(), -- when the next is due at an even rate
    ADD CHECK ((paused_by IS NULL) = (paused_at IS NULL)),
    ADD CHECK ((opened_at IS NULL) = (probe_at IS NULL));

-- migrate: rollback
