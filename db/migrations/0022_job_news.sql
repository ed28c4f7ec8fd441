-- what is told of a job, as one value
-- depends: 0021_fillfactors

-- migrate: apply

-- As domain.news.JobNews: thousands are handed over at once, whole, which is cheaper than column by column.
CREATE TYPE job_news AS (
    submission_id bigint,
    number        int,
    attempt       int,
    state         text,
    seen          bigint,
    exit_code     int,
    signal        int,
    code          int,
    subcode       int,
    text          text,
    site          text,
    slot          text,
    cpu_s         double precision,
    wall_s        double precision,
    memory_mb     double precision,
    started_at    timestamptz,
    ended_at      timestamptz,
    reason        text,
    log_tail      text
);

-- migrate: rollback

DROP TYPE job_news;
