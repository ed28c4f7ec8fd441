-- names that say what they are: of columns, of values, and of what changes say
-- depends: 0040_retention

-- migrate: apply

ALTER TABLE action RENAME COLUMN said TO result_message;
ALTER TABLE action RENAME COLUMN tries TO attempts;
ALTER TABLE action RENAME COLUMN try_at TO next_try_at;
ALTER TABLE launch_attempt RENAME COLUMN said TO result_message;
ALTER TABLE discrepancy RENAME COLUMN said TO result_message;
ALTER TABLE schedule RENAME COLUMN last_said TO last_result_message;
ALTER TABLE setback RENAME COLUMN tries TO attempts;
ALTER TABLE setback RENAME COLUMN try_at TO next_try_at;
ALTER TABLE credential RENAME COLUMN said TO renewal_output;
ALTER TABLE credential RENAME COLUMN tries TO renewal_attempts;
ALTER TABLE credential RENAME COLUMN looked_at TO checked_at;
ALTER TABLE credential RENAME COLUMN seen_at TO expiry_found_at;
ALTER TABLE credential RENAME CONSTRAINT credential_said_check TO credential_renewal_output_check;
ALTER TABLE submission RENAME COLUMN asks TO decision_needed;
ALTER TABLE submission RENAME COLUMN heard_at TO last_event_at;
ALTER TABLE submission RENAME COLUMN ask_at TO next_lookup_at;
ALTER TABLE batch_system RENAME COLUMN heard_at TO last_answer_at;
ALTER TABLE batch_system RENAME COLUMN asked_at TO last_asked_at;
ALTER TABLE batch_system RENAME COLUMN asking_until TO check_lease_until;
ALTER TABLE installation_doubt RENAME COLUMN asks TO is_answerable;
ALTER TABLE reconciliation RENAME COLUMN asked_at TO requested_at;
ALTER TABLE joined RENAME COLUMN again TO repeat;
ALTER TABLE job RENAME COLUMN seen TO sequence;        -- of the last event that counts
ALTER TABLE attempt RENAME COLUMN seen TO sequence;
ALTER TYPE job_news RENAME ATTRIBUTE seen TO sequence;

ALTER TABLE recovery_try RENAME TO recovery_attempt;
ALTER TABLE recovery_attempt RENAME COLUMN result TO decision;
ALTER TABLE recovery_attempt RENAME COLUMN taken TO taken_count;
ALTER TABLE recovery_attempt RENAME COLUMN everything TO total_count;
ALTER INDEX recovery_try_origin RENAME TO recovery_attempt_origin;
ALTER INDEX recovery_try_pkey RENAME TO recovery_attempt_pkey;
ALTER TYPE worth RENAME TO recovery_decision;

ALTER TYPE discrepancy_kind RENAME VALUE 'twin' TO 'duplicate_cluster';
ALTER TYPE repair RENAME VALUE 'look' TO 'inspect';
ALTER TYPE launch_state RENAME VALUE 'seen' TO 'confirmed';

CREATE OR REPLACE FUNCTION submission_is_over(s submission, before timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT s.ended_at < before AND s.state_since < before AND s.check_at IS NULL AND s.decision_needed = ''
           AND s.lease_holder IS NULL AND NOT s.holds_files AND NOT s.counted
           AND NOT EXISTS (SELECT FROM action a WHERE a.submission_id = s.id AND a.done_at IS NULL)
           AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.submission_id = s.id AND d.resolved_at IS NULL)
           AND NOT EXISTS (SELECT FROM setback b WHERE b.submission_id = s.id)
$$;

CREATE OR REPLACE FUNCTION changes_are_old(part_no bigint, before timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT part_no = (dropped_to + 1) / 5000000 AND position >= (part_no + 1) * 5000000
           AND (SELECT max(positioned_at) FROM change WHERE position >= (part_no + 1) * 5000000 - 1
                                                        AND position < (part_no + 1) * 5000000) < before
           AND NOT EXISTS (
               SELECT FROM (SELECT id FROM submission
                             WHERE archived_at IS NULL
                               AND (ended_at IS NULL OR check_at IS NOT NULL OR decision_needed <> ''
                                    OR lease_holder IS NOT NULL OR holds_files OR counted)
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

-- What was told before says the same in today's words.

CREATE FUNCTION pg_temp.rename_kind(kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE kind WHEN 'submission.asks' THEN 'submission.decision_needed'
                     WHEN 'schedule.stands' THEN 'schedule.stopped'
                     WHEN 'action.asked' THEN 'action.requested' ELSE kind END
$$;
CREATE FUNCTION pg_temp.rename_words(kind text, body jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN kind = 'action.done' AND body ? 'said'
            THEN body - 'said' || jsonb_build_object('result_message', body -> 'said')
        WHEN kind ^@ 'discrepancy.'
            THEN body || CASE WHEN body ->> 'kind' = 'twin' THEN '{"kind": "duplicate_cluster"}' ELSE '{}' END::jsonb
                      || CASE WHEN body ->> 'repair' = 'look' THEN '{"repair": "inspect"}' ELSE '{}' END::jsonb
        ELSE body END
$$;
UPDATE change SET kind = pg_temp.rename_kind(kind), body = pg_temp.rename_words(kind, body)
 WHERE kind IN ('submission.asks', 'schedule.stands', 'action.asked') OR kind = 'action.done' AND body ? 'said'
    OR kind ^@ 'discrepancy.' AND (body ->> 'kind' = 'twin' OR body ->> 'repair' = 'look');
UPDATE change_inbox SET kind = pg_temp.rename_kind(kind), body = pg_temp.rename_words(kind, body)
 WHERE kind IN ('submission.asks', 'schedule.stands', 'action.asked') OR kind = 'action.done' AND body ? 'said'
    OR kind ^@ 'discrepancy.' AND (body ->> 'kind' = 'twin' OR body ->> 'repair' = 'look');

-- migrate: rollback

SELECT 1;
