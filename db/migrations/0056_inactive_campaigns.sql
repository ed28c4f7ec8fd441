-- what comes due while a campaign is inactive waits in the queue: that it is so is looked at with all else that is in the way
-- depends: 0055_cron

-- migrate: apply

CREATE OR REPLACE FUNCTION lock_limits(of_stage bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    limited boolean := false;
BEGIN
    PERFORM FROM experiment e JOIN stage s ON s.experiment_id = e.id
      WHERE s.id = of_stage AND num_nonnulls(e.most_unfinished, e.most_jobs) > 0 FOR NO KEY UPDATE OF e;
    limited := limited OR FOUND;
    PERFORM FROM campaign c JOIN stage s ON s.campaign_id = c.id
      WHERE s.id = of_stage AND num_nonnulls(c.most_unfinished, c.most_jobs) > 0 FOR NO KEY UPDATE OF c;
    limited := limited OR FOUND;
    PERFORM FROM stage s
      WHERE s.id = of_stage AND num_nonnulls(s.most_unfinished, s.most_jobs) > 0 FOR NO KEY UPDATE;
    RETURN limited OR FOUND OR EXISTS (SELECT FROM launch_hold WHERE released_at IS NULL)
        OR EXISTS (SELECT FROM submission WHERE stage_id = of_stage AND state = 'queued')
        OR EXISTS (SELECT FROM stage s JOIN campaign c ON c.id = s.campaign_id
                    WHERE s.id = of_stage AND NOT (s.active AND c.active));
END $$;

-- migrate: rollback

CREATE OR REPLACE FUNCTION lock_limits(of_stage bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    limited boolean := false;
BEGIN
    PERFORM FROM experiment e JOIN stage s ON s.experiment_id = e.id
      WHERE s.id = of_stage AND num_nonnulls(e.most_unfinished, e.most_jobs) > 0 FOR NO KEY UPDATE OF e;
    limited := limited OR FOUND;
    PERFORM FROM campaign c JOIN stage s ON s.campaign_id = c.id
      WHERE s.id = of_stage AND num_nonnulls(c.most_unfinished, c.most_jobs) > 0 FOR NO KEY UPDATE OF c;
    limited := limited OR FOUND;
    PERFORM FROM stage s
      WHERE s.id = of_stage AND num_nonnulls(s.most_unfinished, s.most_jobs) > 0 FOR NO KEY UPDATE;
    RETURN limited OR FOUND OR EXISTS (SELECT FROM launch_hold WHERE released_at IS NULL)
        OR EXISTS (SELECT FROM submission WHERE stage_id = of_stage AND state = 'queued');
END $$;
