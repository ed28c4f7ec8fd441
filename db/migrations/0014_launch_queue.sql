-- launches wait in a queue: for holds, limits and their turn
-- depends: 0013_joins

-- migrate: apply

-- A hold of a stage names its campaign and experiment too; one of everything names nothing.
CREATE TABLE launch_hold (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      REFERENCES experiment,
    campaign_id   bigint      REFERENCES campaign,
    stage_id      bigint      REFERENCES stage,
    reason        text        NOT NULL,
    held_by       bigint      NOT NULL REFERENCES person,
    held_at       timestamptz NOT NULL DEFAULT now(),
    released_by   bigint      REFERENCES person,
    released_at   timestamptz,
    CHECK (campaign_id IS NULL OR experiment_id IS NOT NULL),
    CHECK (stage_id IS NULL OR campaign_id IS NOT NULL),
    CHECK ((released_by IS NULL) = (released_at IS NULL))
);
CREATE UNIQUE INDEX one_hold_at_a_time ON launch_hold (experiment_id, campaign_id, stage_id) NULLS NOT DISTINCT
    WHERE released_at IS NULL;

-- Of unfinished submissions, and of their jobs that are not over.
ALTER TABLE stage      ADD COLUMN most_jobs       int CHECK (most_jobs >= 1);
ALTER TABLE campaign   ADD COLUMN most_unfinished int CHECK (most_unfinished >= 1),
                       ADD COLUMN most_jobs       int CHECK (most_jobs >= 1);
ALTER TABLE experiment ADD COLUMN most_unfinished int CHECK (most_unfinished >= 1),
                       ADD COLUMN most_jobs       int CHECK (most_jobs >= 1);

-- The higher is launched first, and by batch systems run first.
ALTER TABLE campaign   ADD COLUMN priority        int NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000 AND 1000);
ALTER TABLE submission ADD COLUMN priority        int NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000 AND 1000);

DROP INDEX submission_queued;
CREATE INDEX submission_queued  ON submission (stage_id, priority DESC, id) WHERE state = 'queued';
CREATE INDEX submission_counted ON submission (experiment_id, campaign_id, stage_id) WHERE counted;
CREATE INDEX stage_experiment   ON stage (experiment_id);

-- Whoever launches takes the rows of its limits first, the widest first: what is summed after that can't change, and
-- of two that launch in several stages none has what the other one waits for. Rows without a limit are left alone.
CREATE FUNCTION lock_limits(of_stage bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM experiment e JOIN stage s ON s.experiment_id = e.id
      WHERE s.id = of_stage AND num_nonnulls(e.most_unfinished, e.most_jobs) > 0 FOR NO KEY UPDATE OF e;
    PERFORM FROM campaign c JOIN stage s ON s.campaign_id = c.id
      WHERE s.id = of_stage AND num_nonnulls(c.most_unfinished, c.most_jobs) > 0 FOR NO KEY UPDATE OF c;
    PERFORM FROM stage s
      WHERE s.id = of_stage AND num_nonnulls(s.most_unfinished, s.most_jobs) > 0 FOR NO KEY UPDATE;
END $$;

-- What happens to a batch system or to everything is no experiment's own; everything else is.
ALTER TABLE change_inbox DROP CONSTRAINT every_other_change_is_an_experiments;
ALTER TABLE change_inbox ADD CONSTRAINT every_other_change_is_an_experiments
    CHECK (experiment_id IS NOT NULL OR kind ^@ 'batch_system.' OR kind ^@ 'launches.');

-- migrate: rollback
