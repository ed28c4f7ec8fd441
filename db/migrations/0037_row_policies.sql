-- what the row policies of db/walls.py ask
-- depends: 0036_roles

-- migrate: apply

-- The setting poms.reach tells of which experiments a connection reaches rows: '{1,2}', or 'all'; not set, of none.
CREATE FUNCTION reaches_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(current_setting('poms.reach', true) = 'all', false);
CREATE FUNCTION reached_experiments() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(nullif(current_setting('poms.reach', true), 'all'), '')::bigint[];

-- Ids of what experiments have that the connection does not reach. Views see with the eyes of their owner.
DO $$
DECLARE
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['campaign', 'dataset', 'file', 'launch_host', 'login_setup', 'stage', 'submission'] LOOP
        EXECUTE format(
            'CREATE VIEW %I AS SELECT id FROM %I WHERE NOT (SELECT reaches_all()) '
            'AND experiment_id <> ALL (coalesce((SELECT reached_experiments()), ''{}''))',
            'foreign_' || parent, parent);
    END LOOP;
END $$;
CREATE VIEW newest_submission AS SELECT max(id) AS id FROM submission;

-- migrate: rollback
