-- splits by run, time and staging: files carry their keys into their datasets, slices by key list their files
-- depends: 0001_initial

-- migrate: apply

-- When a file was made, in seconds since 1970: what its metadata say, else when we were told of it.
CREATE FUNCTION file_time(metadata jsonb, created_at timestamptz) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(
        CASE WHEN jsonb_typeof(metadata -> 'end_time') <> 'number' THEN NULL
             WHEN (metadata ->> 'end_time')::numeric NOT BETWEEN -100000000000 AND 100000000000 THEN NULL
             ELSE (metadata ->> 'end_time')::double precision END,
        extract(epoch FROM created_at)::double precision)
$$;

-- Copied from `file` (whose run and time never change), so that one index holds both the dataset and what its files are chosen by: the next run or
-- window of a dataset of 10⁶ files is one step down a tree, however many files the experiment has besides.
ALTER TABLE dataset_file ADD COLUMN run int, ADD COLUMN time double precision;
UPDATE dataset_file d
   SET run = f.run, time = file_time(f.metadata, f.created_at)
  FROM file f WHERE f.id = d.file_id;
ALTER TABLE dataset_file ALTER COLUMN time SET NOT NULL;
CREATE INDEX dataset_file_run  ON dataset_file (dataset_id, run, ordinal);
CREATE INDEX dataset_file_time ON dataset_file (dataset_id, time, ordinal);
CREATE INDEX dataset_file_file ON dataset_file (file_id);

-- FOR SHARE: whoever marks the file as staged meanwhile waits, and then finds it in the dataset.
CREATE FUNCTION dataset_file_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT f.run, file_time(f.metadata, f.created_at)
      INTO NEW.run, NEW.time
      FROM file f WHERE f.id = NEW.file_id FOR SHARE;
    RETURN NEW;
END $$;
CREATE TRIGGER dataset_file_keys BEFORE INSERT ON dataset_file
    FOR EACH ROW EXECUTE FUNCTION dataset_file_keys();

-- The staged files of a dataset, in the order in which they were marked. Places are given under the dataset's row
-- lock, as ordinals are: a keyset on them misses none.
CREATE TABLE staged_file (
    dataset_id bigint NOT NULL,
    place      bigint NOT NULL,
    ordinal    bigint NOT NULL,
    PRIMARY KEY (dataset_id, place),
    UNIQUE (dataset_id, ordinal),
    FOREIGN KEY (dataset_id, ordinal) REFERENCES dataset_file
);

-- Each statement of a volatile function gets a fresh snapshot, so that the places are those after the lock was got.
CREATE FUNCTION place_staged(datasets bigint[], files bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM dataset WHERE id = ANY (datasets) ORDER BY id FOR NO KEY UPDATE;
    INSERT INTO staged_file (dataset_id, place, ordinal)
    WITH top AS MATERIALIZED (
        SELECT x.id, coalesce((SELECT max(place) + 1 FROM staged_file WHERE dataset_id = x.id), 0) AS place
          FROM unnest(datasets) AS x (id)
    )
    SELECT d.dataset_id, top.place + row_number() OVER (PARTITION BY d.dataset_id ORDER BY d.ordinal) - 1, d.ordinal
      FROM unnest(files) AS f (id)
      JOIN dataset_file d ON d.file_id = f.id
      JOIN top ON top.id = d.dataset_id
      LEFT JOIN LATERAL (SELECT true AS there FROM staged_file s
                          WHERE s.dataset_id = d.dataset_id AND s.ordinal = d.ordinal LIMIT 1) s ON true
     WHERE s.there IS NULL;
END $$;

-- Of the datasets that get files only: who adds files holds those locks already, and must not wait for others.
CREATE FUNCTION dataset_files_staged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    files constant bigint[] := ARRAY(SELECT f.id FROM fresh JOIN file f ON f.id = fresh.file_id
                                      WHERE f.metadata -> 'staged' = 'true');
BEGIN
    IF cardinality(files) > 0 THEN
        PERFORM place_staged(ARRAY(SELECT DISTINCT dataset_id FROM fresh), files);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dataset_files_staged AFTER INSERT ON dataset_file REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION dataset_files_staged();

CREATE FUNCTION files_staged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    files constant bigint[] := ARRAY(SELECT fresh.id FROM fresh JOIN stale USING (id)
                                      WHERE fresh.metadata -> 'staged' = 'true'
                                        AND stale.metadata -> 'staged' IS DISTINCT FROM 'true');
BEGIN
    IF cardinality(files) > 0 THEN
        PERFORM place_staged(ARRAY(SELECT DISTINCT dataset_id FROM dataset_file WHERE file_id = ANY (files)), files);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER files_staged AFTER UPDATE ON file REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION files_staged();

INSERT INTO staged_file (dataset_id, place, ordinal)
SELECT d.dataset_id, row_number() OVER (PARTITION BY d.dataset_id ORDER BY d.ordinal) - 1, d.ordinal
  FROM dataset_file d JOIN file f ON f.id = d.file_id WHERE f.metadata -> 'staged' = 'true';

-- A slice by key lists its files; no two slices of an epoch have a file or a key in common.
ALTER TABLE slice ADD COLUMN key text, ADD CONSTRAINT one_slice_per_key UNIQUE (stage_id, epoch, key);

CREATE TABLE slice_file (
    stage_id bigint NOT NULL,
    epoch    int    NOT NULL,
    file_id  bigint NOT NULL,
    slice_id bigint NOT NULL REFERENCES slice,
    place    int    NOT NULL,
    CONSTRAINT slices_never_share_a_file PRIMARY KEY (stage_id, epoch, file_id)
);
CREATE UNIQUE INDEX slice_file_place ON slice_file (slice_id, place);

-- migrate: rollback
