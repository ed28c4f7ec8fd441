-- who has made a change, and why: columns of each, beside what there is to say of its kind
-- depends: 0036_roles

-- migrate: apply

-- Null in what is older, and in what processes of before write while they are replaced.
ALTER TABLE change_inbox ADD COLUMN actor_id bigint,    -- the person who did it
                         ADD COLUMN part     text,      -- or the part of the service that did it by itself
                         ADD COLUMN reason   text;      -- null: none was given
ALTER TABLE change       ADD COLUMN actor_id bigint,
                         ADD COLUMN part     text,
                         ADD COLUMN reason   text;

CREATE OR REPLACE FUNCTION relay_batch(bound int, OUT first bigint, OUT last bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT position INTO first FROM change_head FOR UPDATE;
    WITH taken AS (
        DELETE FROM change_inbox
         WHERE id = ANY (ARRAY(SELECT id FROM change_inbox ORDER BY id LIMIT bound))
        RETURNING *
    ), put AS (
        INSERT INTO change (position, id, experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body,
                            at)
        SELECT first + row_number() OVER (ORDER BY id), id, experiment_id, campaign_id, submission_id, kind, actor_id,
               part, reason, body, at
          FROM taken
        RETURNING 1
    )
    SELECT first + count(*) INTO last FROM put;
    IF last > first THEN
        UPDATE change_head SET position = last;
    END IF;
END $$;

-- migrate: rollback
