-- what becomes of missed turns, and whether a schedule ends with its work; limits are looked at only where there are any
-- depends: 0017_gates

-- migrate: apply

CREATE TYPE catch_up AS ENUM ('once', 'all', 'skip');
ALTER TABLE schedule
    ADD COLUMN catch_up        catch_up NOT NULL DEFAULT 'once',
    ADD COLUMN until_exhausted boolean  NOT NULL DEFAULT true;  -- cleared when there are no more slices

-- Says, too, whether anything can be in the way: mostly nothing can, and looking closer costs as much as a launch.
DROP FUNCTION lock_limits(bigint);
CREATE FUNCTION lock_limits(of_stage bigint) RETURNS boolean LANGUAGE plpgsql AS $$
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

-- migrate: rollback
