-- what is old is archived and dropped, and is known to be
-- depends: 0039_kept_progress

-- migrate: apply

-- Up to which position changes are dropped: who goes on after one before it misses some.
ALTER TABLE change_head ADD COLUMN dropped_to bigint NOT NULL DEFAULT 0;
UPDATE change_head SET dropped_to = coalesce((SELECT min(position) - 1 FROM change), position);

-- When inputs, attempts and actions of its family were dropped: nothing follows of it any more.
ALTER TABLE submission ADD COLUMN archived_at timestamptz;

-- Parts of tables that are in the archive: 10,000 submissions each, of changes 5,000,000 positions.
CREATE TABLE archived_part (
    parent      text        NOT NULL CHECK (parent IN ('attempt', 'input_file', 'launch_attempt', 'launch_output',
                                                       'action', 'change')),
    number      bigint      NOT NULL,
    file        text        NOT NULL,                   -- below the archive's folder
    row_count   bigint      NOT NULL,
    fingerprint bigint      NOT NULL,                   -- of the rows, in any order
    sha256      text        NOT NULL,                   -- of the file
    bytes       bigint      NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT now(),
    dropped_at  timestamptz,
    PRIMARY KEY (parent, number)
);

-- The rows of a part. Launch attempts that have adopted a cluster stay: by their marks batch systems' clusters are known.
CREATE FUNCTION part_query(parent text, number bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format(CASE parent
        WHEN 'change' THEN 'SELECT * FROM change WHERE position >= %s AND position < %s'
        WHEN 'launch_attempt' THEN
            'SELECT * FROM launch_attempt t WHERE submission_id >= %s AND submission_id < %s AND NOT EXISTS ('
            'SELECT FROM cluster c WHERE (c.submission_id, c.attempt) = (t.submission_id, t.attempt))'
        ELSE 'SELECT * FROM ' || quote_ident(parent) || ' WHERE submission_id >= %s AND submission_id < %s'
        END, number * width, (number + 1) * width)
      FROM (VALUES (CASE parent WHEN 'change' THEN 5000000 ELSE 10000 END)) AS x (width)
$$;

CREATE FUNCTION part_fingerprint(parent text, number bigint, OUT row_count bigint, OUT fingerprint bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE format('SELECT count(*), coalesce(bit_xor(hash_record_extended(t, 0)), 0) FROM (%s) t',
                   part_query(parent, number)) INTO row_count, fingerprint;
END $$;

-- Nothing goes on with it, nobody is asked about it, and it has been so since before then. Of all at once, which would be
-- dear so, `changes_are_old` asks the same.
CREATE FUNCTION submission_is_over(s submission, before timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT s.ended_at < before AND s.state_since < before AND s.check_at IS NULL AND s.asks = ''
           AND s.lease_holder IS NULL AND NOT s.holds_files AND NOT s.counted
           AND NOT EXISTS (SELECT FROM action a WHERE a.submission_id = s.id AND a.done_at IS NULL)
           AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.submission_id = s.id AND d.resolved_at IS NULL)
           AND NOT EXISTS (SELECT FROM setback b WHERE b.submission_id = s.id)
$$;

-- All of 10,000 submissions that can have no more members, each with all its family.
CREATE FUNCTION submissions_are_over(part_no bigint, before timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (SELECT coalesce(max(id), 0) FROM submission) >= (part_no + 1) * 10000
           AND NOT EXISTS (
               SELECT FROM submission s
                WHERE s.id >= part_no * 10000 AND s.id < (part_no + 1) * 10000
                  AND (NOT coalesce(submission_is_over(s, before), false)
                       OR EXISTS (SELECT FROM submission m
                                   WHERE (m.id = s.origin_id OR m.origin_id = coalesce(s.origin_id, s.id))
                                     AND NOT coalesce(submission_is_over(m, before), false))))
$$;

-- The rows of a part, once they are what was archived. A partition is emptied and stays: no lock on its parent, which
-- everybody writes to, and a place for what batch systems may still tell.
CREATE FUNCTION drop_part(which text, part_no bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    child constant text := format('%I', which || '_' || part_no);
    is_partition constant boolean := which IN ('attempt', 'input_file', 'change') AND to_regclass(child) IS NOT NULL;
BEGIN
    IF is_partition THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', child);
    END IF;
    IF NOT EXISTS (SELECT FROM archived_part a, part_fingerprint(which, part_no) now
                    WHERE a.parent = which AND a.number = part_no AND a.dropped_at IS NULL
                      AND (a.row_count, a.fingerprint) = (now.row_count, now.fingerprint)) THEN
        RAISE EXCEPTION '% is not what was archived', child USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF is_partition THEN
        EXECUTE format('TRUNCATE %s', child);
    ELSIF which = 'launch_attempt' THEN
        DELETE FROM launch_attempt t
         WHERE submission_id >= part_no * 10000 AND submission_id < (part_no + 1) * 10000
           AND NOT EXISTS (SELECT FROM cluster c WHERE (c.submission_id, c.attempt) = (t.submission_id, t.attempt));
    ELSE
        EXECUTE format('DELETE FROM %I WHERE submission_id >= $1 AND submission_id < $2', which)
          USING part_no * 10000, (part_no + 1) * 10000;
    END IF;
    UPDATE archived_part SET dropped_at = now() WHERE parent = which AND number = part_no;
END $$;

-- Called by workers, who own no table: each drops nothing but what is archived, over, and at least a day old.
CREATE FUNCTION drop_submission_parts(part_no bigint, before timestamptz) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    which text;
BEGIN
    -- Who wants something of one of them waits for this, and finds it archived.
    UPDATE submission SET archived_at = now()
     WHERE archived_at IS NULL
       AND id IN (SELECT id FROM submission WHERE id >= part_no * 10000 AND id < (part_no + 1) * 10000
                   UNION
                  SELECT id FROM submission WHERE origin_id >= part_no * 10000 AND origin_id < (part_no + 1) * 10000
                   UNION
                  SELECT origin_id FROM submission WHERE id >= part_no * 10000 AND id < (part_no + 1) * 10000);
    IF NOT submissions_are_over(part_no, least(before, now() - interval '1 day')) THEN
        RAISE EXCEPTION 'submissions of part % are not over', part_no USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    FOREACH which IN ARRAY ARRAY['action', 'launch_attempt', 'launch_output', 'input_file', 'attempt'] LOOP
        PERFORM drop_part(which, part_no);
    END LOOP;
END $$;

-- Parts of changes go in their order; none in which a submission has changes that is not over.
CREATE FUNCTION changes_are_old(part_no bigint, before timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT part_no = (dropped_to + 1) / 5000000 AND position >= (part_no + 1) * 5000000
           AND (SELECT max(positioned_at) FROM change WHERE position >= (part_no + 1) * 5000000 - 1
                                                        AND position < (part_no + 1) * 5000000) < before
           AND NOT EXISTS (
               SELECT FROM (SELECT id FROM submission
                             WHERE archived_at IS NULL
                               AND (ended_at IS NULL OR check_at IS NOT NULL OR asks <> '' OR lease_holder IS NOT NULL
                                    OR holds_files OR counted)
                             UNION
                            SELECT submission_id FROM action WHERE done_at IS NULL
                             UNION
                            SELECT submission_id FROM discrepancy WHERE resolved_at IS NULL
                             UNION
                            SELECT submission_id FROM setback) under_way (id)
                WHERE EXISTS (SELECT FROM change c WHERE c.submission_id = under_way.id
                                 AND c.position >= part_no * 5000000 AND c.position < (part_no + 1) * 5000000))
      FROM change_head
$$;

CREATE FUNCTION drop_change_part(part_no bigint, before timestamptz) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    IF NOT changes_are_old(part_no, least(before, now() - interval '1 day')) THEN
        RAISE EXCEPTION 'changes of part % are not old', part_no USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM drop_part('change', part_no);
    UPDATE change_head SET dropped_to = (part_no + 1) * 5000000 - 1;
END $$;

REVOKE EXECUTE ON FUNCTION drop_part(text, bigint), drop_submission_parts(bigint, timestamptz),
    drop_change_part(bigint, timestamptz) FROM PUBLIC;

-- migrate: rollback

DROP FUNCTION drop_change_part, drop_submission_parts, changes_are_old, drop_part, submissions_are_over,
    submission_is_over, part_fingerprint, part_query;
DROP TABLE archived_part;
ALTER TABLE submission DROP COLUMN archived_at;
ALTER TABLE change_head DROP COLUMN dropped_to;
