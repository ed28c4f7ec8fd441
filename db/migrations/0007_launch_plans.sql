-- launches as they were shown before anything happened, kept for a while
-- depends: 0006_merge_overrides

-- migrate: apply

CREATE TABLE launch_plan (
    hash       text        PRIMARY KEY,                 -- over the parts
    parts      jsonb       NOT NULL,                    -- all that decides what runs
    expires_at timestamptz NOT NULL
);
CREATE INDEX launch_plan_expired ON launch_plan (expires_at);

-- migrate: rollback
