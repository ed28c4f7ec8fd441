-- programs that submit by themselves: how they ended, and the clusters that were adopted of them
-- depends: 0022_job_news

-- migrate: apply

CREATE TYPE job_kind    AS ENUM ('payload', 'script');
CREATE TYPE consumption AS ENUM ('payload', 'exit_code');
CREATE TYPE script_end  AS ENUM ('exited', 'time_limit', 'removal', 'stopped', 'cut_off');
ALTER TYPE discrepancy_kind ADD VALUE 'cut_off_script';
ALTER TYPE discrepancy_kind ADD VALUE 'not_followed';
ALTER TYPE repair ADD VALUE 'relaunch';
ALTER TYPE repair ADD VALUE 'look';

ALTER TABLE job_type
    ADD COLUMN kind        job_kind    NOT NULL DEFAULT 'payload',
    ADD COLUMN consumption consumption NOT NULL DEFAULT 'payload',
    ADD CHECK (kind = 'script' OR consumption = 'payload');

ALTER TABLE launch_attempt
    ADD COLUMN script_end script_end,   -- how the launch script ended; none: it may still run, or there is none
    ADD COLUMN exit_code  int;          -- of the launch script

-- A launch has one cluster that we submitted, or as many as its script did.
ALTER TABLE cluster
    ADD COLUMN first      int,          -- the number of its first job; none: all of them, as we submitted it
    ADD COLUMN jobs       int,          -- how many a followed one has; none: nobody has counted them yet
    ADD COLUMN adopted_at timestamptz NOT NULL DEFAULT now();

-- migrate: rollback
