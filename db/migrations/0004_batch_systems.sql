-- how batch systems are, apart from how far they were read; changes that are everybody's
-- depends: 0003_tests

-- migrate: apply

CREATE TABLE batch_system (
    name      text        PRIMARY KEY,
    reachable boolean     NOT NULL DEFAULT false,       -- whether it answered when it was asked last
    since     timestamptz NOT NULL DEFAULT now(),       -- since when that is so
    health    jsonb       NOT NULL DEFAULT '{}',        -- its last answer
    heard_at  timestamptz,                              -- when it said that it is well
    asked_at  timestamptz NOT NULL DEFAULT now()        -- by the worker whose answer counts
);

-- The reading of its feed is apart from that: either may be late while the other isn't.
ALTER TABLE watch DROP COLUMN health;
ALTER TABLE watch RENAME COLUMN heard_at TO read_at;    -- when all that there was had been read
ALTER TABLE watch ADD COLUMN event_at timestamptz;      -- the time of the last event that was read

-- What happens to a batch system is no experiment's own; everything else is.
ALTER TABLE change_inbox ALTER COLUMN experiment_id DROP NOT NULL;
ALTER TABLE change_inbox ADD CONSTRAINT every_other_change_is_an_experiments
    CHECK (experiment_id IS NOT NULL OR kind ^@ 'batch_system.');
ALTER TABLE change ALTER COLUMN experiment_id DROP NOT NULL;

-- migrate: rollback
