-- files as they are: at other catalogs' places, without a size; what is told later completes them; whether they are there
-- depends: 0042_slice_names

-- migrate: apply

-- Only what other catalogs know has slashes in its name, or no place that we know.
ALTER TABLE file
    ALTER COLUMN size DROP NOT NULL,
    ALTER COLUMN location DROP NOT NULL,
    ADD COLUMN catalog  text   NOT NULL DEFAULT 'embedded',
    ADD COLUMN replicas text[] NOT NULL DEFAULT '{}',         -- where else it lies
    DROP CONSTRAINT file_name_check,
    ADD CONSTRAINT file_name_is_plain
        CHECK (name <> '' AND name !~ '[[:cntrl:]]' AND (catalog <> 'embedded' OR name !~ '/')),
    ADD CONSTRAINT file_is_somewhere CHECK (location IS NOT NULL OR catalog <> 'embedded');

-- How many files of a dataset have no known size: `bytes` is of the others.
ALTER TABLE dataset ADD COLUMN unsized bigint NOT NULL DEFAULT 0;

-- What is known of a file stays; what is not known may be filled in.
DROP TRIGGER file_stays ON file;
CREATE TRIGGER file_stays BEFORE UPDATE ON file FOR EACH ROW
    WHEN ((OLD.experiment_id, OLD.name, OLD.test_of, OLD.catalog)
          IS DISTINCT FROM (NEW.experiment_id, NEW.name, NEW.test_of, NEW.catalog)
          OR (coalesce(OLD.size, NEW.size), coalesce(OLD.checksum, NEW.checksum), coalesce(OLD.location, NEW.location),
              coalesce(OLD.events, NEW.events), coalesce(OLD.run, NEW.run))
             IS DISTINCT FROM (NEW.size, NEW.checksum, NEW.location, NEW.events, NEW.run)
          OR NOT NEW.replicas @> OLD.replicas)
    EXECUTE FUNCTION refuse_file_change();

-- What datasets keep of their files follows: sums, and the run by which splits choose. A file's time stays what it was
-- when the dataset got it, or a window that was taken could have it, and another one again. `byexistingruns` looks only
-- at what its cursor has not passed, so that the cursor goes back to where there is something to take now; who launches
-- meanwhile loses the compare and set.
CREATE FUNCTION files_completed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    files constant bigint[] := ARRAY(SELECT fresh.id FROM fresh JOIN stale USING (id)
                                      WHERE (fresh.size, fresh.events, fresh.run)
                                            IS DISTINCT FROM (stale.size, stale.events, stale.run));
BEGIN
    IF cardinality(files) = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM FROM dataset WHERE id IN (SELECT dataset_id FROM dataset_file WHERE file_id = ANY (files))
     ORDER BY id FOR NO KEY UPDATE;
    UPDATE dataset d
       SET bytes = bytes + x.more_bytes, events = events + x.more_events, unsized = unsized - x.sized
      FROM (SELECT f.dataset_id, sum(coalesce(fresh.size, 0) - coalesce(stale.size, 0)) AS more_bytes,
                   sum(coalesce(fresh.events, 0) - coalesce(stale.events, 0)) AS more_events,
                   count(*) FILTER (WHERE stale.size IS NULL AND fresh.size IS NOT NULL) AS sized
              FROM fresh JOIN stale USING (id) JOIN dataset_file f ON f.file_id = fresh.id
             WHERE fresh.id = ANY (files) GROUP BY f.dataset_id) x
     WHERE d.id = x.dataset_id;
    WITH told AS (
        UPDATE dataset_file d SET run = fresh.run
          FROM fresh WHERE d.file_id = fresh.id AND fresh.id = ANY (files) AND d.run IS DISTINCT FROM fresh.run
        RETURNING d.dataset_id, d.ordinal
    ), low AS (
        SELECT dataset_id, to_jsonb(min(ordinal)) AS ordinal FROM told GROUP BY dataset_id
    )
    UPDATE stage s
       SET cursor = CASE WHEN s.dataset_id = low.dataset_id AND s.split ~* '^\s*byexistingruns\M'
                         THEN least(cursor, low.ordinal) ELSE cursor END,
           test_cursor = CASE WHEN coalesce(s.test_dataset_id, s.dataset_id) = low.dataset_id
                                   AND coalesce(s.test_split, s.split) ~* '^\s*byexistingruns\M'
                              THEN least(test_cursor, low.ordinal) ELSE test_cursor END,
           split_seq = split_seq + 1
      FROM low
     WHERE low.dataset_id IN (s.dataset_id, s.test_dataset_id)
       AND (s.split ~* '^\s*byexistingruns\M' OR s.test_split ~* '^\s*byexistingruns\M');
    RETURN NULL;
END $$;
CREATE TRIGGER files_completed AFTER UPDATE ON file REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION files_completed();

-- Looks at whether files are there, asked for by people and made by workers; of the same files the last one is kept.
CREATE TABLE file_check (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset_id bigint      NOT NULL REFERENCES dataset ON DELETE CASCADE,
    key        text        NOT NULL,                    -- 'dataset', or of which slice's files
    low        bigint      NOT NULL,                    -- ordinals low .. high-1
    high       bigint      NOT NULL,
    listed     bigint[],                                -- instead, where a key chose them
    is_whole   boolean     NOT NULL,                    -- all of them, not a sample
    requested_by bigint    NOT NULL REFERENCES person,
    requested_at timestamptz NOT NULL DEFAULT now(),
    due_at     timestamptz DEFAULT now(),               -- NULL: it is done; whoever does it moves it on
    -- What was found, the last time:
    done_at    timestamptz,
    files      bigint      NOT NULL DEFAULT 0,
    looked     bigint      NOT NULL DEFAULT 0,
    missing    bigint      NOT NULL DEFAULT 0,
    other_size bigint      NOT NULL DEFAULT 0,
    on_tape    bigint      NOT NULL DEFAULT 0,
    unknown    bigint      NOT NULL DEFAULT 0,
    examples   jsonb       NOT NULL DEFAULT '[]',
    trouble    text        NOT NULL DEFAULT '',
    UNIQUE (dataset_id, key)
);
CREATE INDEX file_check_due ON file_check (due_at) WHERE due_at IS NOT NULL;

-- migrate: rollback
