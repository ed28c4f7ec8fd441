-- which moves a submission may make, as domain/submissions/submissions.py has it, whoever writes the state; counters that add up
-- depends: 0034_setups

-- migrate: apply

CREATE TABLE submission_move (
    from_state submission_state NOT NULL,
    to_state   submission_state NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO submission_move (from_state, to_state)
SELECT x.from_state::submission_state, unnest(x.to_states)::submission_state FROM (VALUES
    ('queued', ARRAY['new', 'cancelled']),
    ('new', ARRAY['submitting', 'cancelled']),
    ('submitting', ARRAY['new', 'uncertain', 'idle', 'running', 'held', 'completed', 'launch_failed', 'failed', 'cancelled', 'removed']),
    ('uncertain', ARRAY['new', 'idle', 'running', 'held', 'completed', 'launch_failed', 'failed', 'cancelled', 'removed']),
    ('idle', ARRAY['running', 'held', 'completed', 'failed', 'cancelled', 'removed']),
    ('running', ARRAY['idle', 'held', 'completed', 'failed', 'cancelled', 'removed']),
    ('held', ARRAY['idle', 'running', 'completed', 'failed', 'cancelled', 'removed']),
    ('completed', ARRAY['located']),
    ('launch_failed', ARRAY['located']),
    ('failed', ARRAY['located']),
    ('cancelled', ARRAY['located']),
    ('removed', ARRAY['located'])
) AS x (from_state, to_states);

CREATE FUNCTION refuse_submission_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM submission_move WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'submission % is %, and may not become %', OLD.id, OLD.state, NEW.state
              USING ERRCODE = 'check_violation', CONSTRAINT = 'submission_move';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER submission_move BEFORE UPDATE OF state ON submission
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION refuse_submission_move();

-- Counters move with what they count, or not at all.
ALTER TABLE submission
    ADD CONSTRAINT jobs_are_counted CHECK (
        jobs = jobs_idle + jobs_running + jobs_held + jobs_succeeded + jobs_failed + jobs_removed + jobs_unknown),
    ADD CONSTRAINT counts_are_not_negative CHECK (
        least(jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown,
              files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed,
              outputs_declared, outputs_located, outputs_lost, outputs_superseded, outputs_refused) >= 0),
    ADD CONSTRAINT what_is_live_has_not_ended CHECK (
        (ended_at IS NULL) = (state IN ('queued', 'new', 'submitting', 'uncertain', 'idle', 'running', 'held'))),
    ADD CONSTRAINT who_launches_has_a_lease CHECK (
        lease_holder IS NULL OR state IN ('submitting', 'uncertain'));

-- migrate: rollback

ALTER TABLE submission DROP CONSTRAINT jobs_are_counted, DROP CONSTRAINT counts_are_not_negative,
    DROP CONSTRAINT what_is_live_has_not_ended, DROP CONSTRAINT who_launches_has_a_lease;
DROP TRIGGER submission_move ON submission;
DROP FUNCTION refuse_submission_move;
DROP TABLE submission_move;
