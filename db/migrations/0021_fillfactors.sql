-- room in each page for what its rows become
-- depends: 0020_ancestor_depth

-- migrate: apply

-- A job is written anew two or three times and grows, an input and an attempt once. Within its page that costs no entry
-- in any index, and the next who reads there clears away what was before.

CREATE OR REPLACE FUNCTION ensure_partitions(ahead int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    width  constant bigint := 10000;
    newest bigint;
    parent text;
    filled int;
    n      bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ensure_partitions'));
    SELECT coalesce(max(id), 0) / width INTO newest FROM submission;
    FOR parent, filled IN
        VALUES ('work_unit', 100), ('job', 25), ('attempt', 50), ('input_file', 45), ('output_file', 100)
    LOOP
        FOR n IN newest .. newest + ahead LOOP
            IF to_regclass(format('%I', parent || '_' || n)) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s) WITH (fillfactor = %s)',
                               parent || '_' || n, parent, n * width, (n + 1) * width, filled);
            END IF;
        END LOOP;
    END LOOP;
    SELECT position / 5000000 INTO newest FROM change_head;
    FOR n IN newest .. newest + ahead LOOP
        IF to_regclass(format('%I', 'change_' || n)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF change FOR VALUES FROM (%s) TO (%s)',
                           'change_' || n, n * 5000000, (n + 1) * 5000000);
        END IF;
    END LOOP;
END $$;

-- What is there already is filled so from its next page on.
DO $$
DECLARE
    child  regclass;
    filled int;
BEGIN
    FOR child, filled IN
        SELECT inhrelid::regclass, CASE inhparent::regclass::text WHEN 'job' THEN 25 WHEN 'attempt' THEN 50 ELSE 45 END
          FROM pg_inherits WHERE inhparent IN ('job'::regclass, 'attempt'::regclass, 'input_file'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s SET (fillfactor = %s)', child, filled);
    END LOOP;
END $$;

-- migrate: rollback

CREATE OR REPLACE FUNCTION ensure_partitions(ahead int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    width  constant bigint := 10000;
    newest bigint;
    parent text;
    n      bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ensure_partitions'));
    SELECT coalesce(max(id), 0) / width INTO newest FROM submission;
    FOREACH parent IN ARRAY ARRAY['work_unit', 'job', 'attempt', 'input_file', 'output_file'] LOOP
        FOR n IN newest .. newest + ahead LOOP
            IF to_regclass(format('%I', parent || '_' || n)) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                               parent || '_' || n, parent, n * width, (n + 1) * width);
            END IF;
        END LOOP;
    END LOOP;
    SELECT position / 5000000 INTO newest FROM change_head;
    FOR n IN newest .. newest + ahead LOOP
        IF to_regclass(format('%I', 'change_' || n)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF change FOR VALUES FROM (%s) TO (%s)',
                           'change_' || n, n * 5000000, (n + 1) * 5000000);
        END IF;
    END LOOP;
END $$;
