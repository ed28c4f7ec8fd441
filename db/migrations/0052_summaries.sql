-- numbers that monitors and accounting know of campaigns, stages and submissions, kept with their age
-- depends: 0051_catalog_launches

-- migrate: apply

ALTER TABLE experiment
    ADD COLUMN summaries jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(summaries) = 'array');

-- One row for each thing that somebody has looked at. What is asked is written down filled in: who asks knows no things.
CREATE TABLE summary (
    experiment_id bigint      NOT NULL REFERENCES experiment,
    subject       text        NOT NULL,
    subject_id    bigint      NOT NULL,
    title         text        NOT NULL,
    source        text        NOT NULL,
    url           text        NOT NULL,
    query         text        NOT NULL,
    path          text        NOT NULL,
    value         float8,                               -- null: the source knows none
    asked_at      timestamptz,                          -- when it answered last
    tried_at      timestamptz,                          -- when it last answered or refused
    trouble       text        NOT NULL DEFAULT '',      -- why not since
    attempts      int         NOT NULL DEFAULT 0,       -- that failed in a row
    next_try_at   timestamptz DEFAULT now(),            -- null: nobody wants to know
    held_until    timestamptz,
    PRIMARY KEY (experiment_id, subject, subject_id, title)
);
CREATE INDEX summary_due ON summary (next_try_at) WHERE next_try_at IS NOT NULL;

-- migrate: rollback

DROP TABLE summary;
ALTER TABLE experiment DROP COLUMN summaries;
