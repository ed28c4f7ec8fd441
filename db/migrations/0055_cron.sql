-- a schedule has five fields: one of six, the first of which is seconds, never was what cron takes
-- depends: 0054_accounts

-- migrate: apply

UPDATE schedule SET cron = regexp_replace(btrim(cron), '^0+\s+', '')
 WHERE cardinality(regexp_split_to_array(btrim(cron), '\s+')) = 6 AND btrim(cron) ~ '^0+\s';
UPDATE schedule SET active = false, last_result_message = 'A schedule has five fields, without seconds: set it anew.'
 WHERE cardinality(regexp_split_to_array(btrim(cron), '\s+')) <> 5;

-- migrate: rollback

SELECT 1;
