-- whether a schedule ends with its work is a setting of the stage, which it has before it has a schedule
-- depends: 0018_schedules

-- migrate: apply

ALTER TABLE stage ADD COLUMN until_exhausted boolean NOT NULL DEFAULT true;
UPDATE stage s SET until_exhausted = false FROM schedule h WHERE h.stage_id = s.id AND NOT h.until_exhausted;
ALTER TABLE schedule DROP COLUMN until_exhausted;

-- migrate: rollback
