-- one account of what is done: each input (of a generator: unit) of a stage counts once, where it was given last
-- depends: 0053_missing_files

-- migrate: apply

-- Which submission of a stage has an input now: the last to which it was given.
CREATE TABLE stage_input (
    stage_id      bigint  NOT NULL,
    is_test       boolean NOT NULL,
    file_id       bigint  NOT NULL,
    submission_id bigint  NOT NULL,
    PRIMARY KEY (stage_id, is_test, file_id)
);

-- Inputs that a submission has passed on to a later one, not folded into its row yet: who takes inputs holds the
-- stage's lock, and may not wait for that of the submission that had them.
CREATE TABLE passed_input (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stage_id      bigint NOT NULL,
    submission_id bigint NOT NULL REFERENCES submission,
    done          bigint NOT NULL CHECK (done >= 0),
    undone        bigint NOT NULL CHECK (undone >= 0),  -- those that are waived, too
    waived        bigint NOT NULL CHECK (waived BETWEEN 0 AND undone)
);
CREATE INDEX passed_input_stage ON passed_input (stage_id);
CREATE INDEX passed_input_submission ON passed_input (submission_id);
ALTER TABLE passed_input SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                              autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);

-- Inputs that nobody wants done any more, of the submission that had them then.
CREATE TABLE waived_input (
    submission_id bigint      NOT NULL REFERENCES submission,
    key           bigint      NOT NULL,                 -- the file, or of a generator the unit's index
    reason        text        NOT NULL,
    waived_by     bigint      NOT NULL REFERENCES person,
    at            timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (submission_id, key)
);

-- Nobody changes a submission between this count and the triggers.
LOCK TABLE submission IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE submission
    ADD COLUMN units         bigint  NOT NULL DEFAULT 0,     -- of a generator; else 0, and the files count
    ADD COLUMN passed_done   bigint  NOT NULL DEFAULT 0,     -- what a later submission has now, by what became of it here
    ADD COLUMN passed_undone bigint  NOT NULL DEFAULT 0,
    ADD COLUMN inputs_waived bigint  NOT NULL DEFAULT 0,
    ADD COLUMN settled       boolean NOT NULL DEFAULT false; -- of its family all is over, and no recovery follows by itself

INSERT INTO stage_input (stage_id, is_test, file_id, submission_id)
SELECT DISTINCT ON (s.stage_id, s.is_test, i.file_id) s.stage_id, s.is_test, i.file_id, s.id
  FROM input_file i JOIN submission s ON s.id = i.submission_id
 ORDER BY s.stage_id, s.is_test, i.file_id, s.id DESC;

UPDATE submission s SET units = u.units
  FROM (SELECT submission_id, count(*) AS units FROM work_unit WHERE index IS NOT NULL GROUP BY submission_id) u
 WHERE u.submission_id = s.id AND s.files = 0;

UPDATE submission s SET passed_done = least(p.done, s.files_done), passed_undone = least(p.undone, s.files - s.files_done)
  FROM (SELECT i.submission_id, count(*) FILTER (WHERE i.outcome = 'done') AS done,
               count(*) FILTER (WHERE i.outcome <> 'done') AS undone
          FROM input_file i JOIN submission f ON f.id = i.submission_id
          JOIN stage_input n ON (n.stage_id, n.is_test, n.file_id) = (f.stage_id, f.is_test, i.file_id)
         WHERE n.submission_id <> i.submission_id GROUP BY i.submission_id) p
 WHERE p.submission_id = s.id;

UPDATE submission s
   SET passed_done = least(p.done, least(s.jobs_succeeded, s.units)),
       passed_undone = least(p.undone, s.units - least(s.jobs_succeeded, s.units))
  FROM (SELECT u.submission_id, count(*) FILTER (WHERE j.state = 'succeeded') AS done,
               count(*) FILTER (WHERE j.state <> 'succeeded') AS undone
          FROM work_unit u JOIN submission f ON f.id = u.submission_id AND f.units > 0
          JOIN job j ON j.submission_id = u.submission_id AND j.number = u.number
         WHERE EXISTS (SELECT FROM submission n JOIN work_unit w ON w.submission_id = n.id
                        WHERE n.origin_id = coalesce(f.origin_id, f.id) AND n.id > u.submission_id
                          AND w.index = u.index)
         GROUP BY u.submission_id) p
 WHERE p.submission_id = s.id;

-- Inputs that are in the archive can't be looked up: what was not done there was taken by the recovery that followed.
UPDATE submission s SET passed_undone = s.files - s.files_done
 WHERE s.archived_at IS NOT NULL AND s.files > 0
   AND NOT EXISTS (SELECT FROM input_file i WHERE i.submission_id = s.id)
   AND EXISTS (SELECT FROM submission n WHERE n.origin_id = coalesce(s.origin_id, s.id) AND n.id > s.id);

UPDATE submission s SET settled = true
  FROM (SELECT coalesce(origin_id, id) AS family FROM submission GROUP BY 1 HAVING bool_and(advanced_at IS NOT NULL)) f
 WHERE f.family = coalesce(s.origin_id, s.id);

-- Whatever moves a counter moves the account with it. Of a launch script there may be more jobs than units.
ALTER TABLE submission
    ADD COLUMN origins bigint NOT NULL GENERATED ALWAYS AS (CASE WHEN origin_id IS NULL THEN 1 ELSE 0 END) STORED,
    ADD COLUMN inputs_given bigint NOT NULL GENERATED ALWAYS AS (files + units - passed_done - passed_undone) STORED,
    ADD COLUMN inputs_done bigint NOT NULL GENERATED ALWAYS AS ((files_done + least(jobs_succeeded, units)) - passed_done) STORED,
    ADD COLUMN inputs_in_work bigint NOT NULL GENERATED ALWAYS AS (CASE WHEN state IN ('running', 'held') THEN files + units - (files_done + least(jobs_succeeded, units)) - (files_failed + least(jobs_failed + jobs_removed, units - least(jobs_succeeded, units))) ELSE 0 END) STORED,
    ADD COLUMN inputs_waiting bigint NOT NULL GENERATED ALWAYS AS (CASE WHEN state IN ('queued', 'new', 'submitting', 'uncertain', 'idle')
             THEN files + units - (files_done + least(jobs_succeeded, units)) - (files_failed + least(jobs_failed + jobs_removed, units - least(jobs_succeeded, units))) ELSE 0 END) STORED,
    ADD COLUMN inputs_owed bigint NOT NULL GENERATED ALWAYS AS (CASE WHEN state IN ('queued', 'new', 'submitting', 'uncertain', 'idle', 'running', 'held') THEN (files_failed + least(jobs_failed + jobs_removed, units - least(jobs_succeeded, units)))
             WHEN settled THEN 0 ELSE (files + units - (files_done + least(jobs_succeeded, units)) - passed_undone - inputs_waived) END) STORED,
    ADD COLUMN inputs_lost bigint NOT NULL GENERATED ALWAYS AS (CASE WHEN state IN ('queued', 'new', 'submitting', 'uncertain', 'idle', 'running', 'held') OR NOT settled THEN 0
             ELSE (files + units - (files_done + least(jobs_succeeded, units)) - passed_undone - inputs_waived) END) STORED,
    ADD CONSTRAINT account_adds_up CHECK (
        inputs_given = inputs_done + inputs_in_work + inputs_waiting + inputs_owed + inputs_lost + inputs_waived),
    ADD CONSTRAINT account_is_not_negative CHECK (
        least(inputs_given, inputs_done, inputs_in_work, inputs_waiting, inputs_owed, inputs_lost, inputs_waived) >= 0);

-- A recovery opens its family again; what has been decided about the last of its members settles it.
CREATE FUNCTION settle_family() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    family constant bigint := coalesce(NEW.origin_id, NEW.id);
    is_settled constant boolean := (
        SELECT bool_and(advanced_at IS NOT NULL) FROM submission WHERE id = family OR origin_id = family);
BEGIN
    UPDATE submission SET settled = is_settled
     WHERE (id = family OR origin_id = family) AND settled <> is_settled;
    RETURN NULL;
END $$;
CREATE TRIGGER submission_opens_family AFTER INSERT ON submission
    FOR EACH ROW WHEN (NEW.origin_id IS NOT NULL) EXECUTE FUNCTION settle_family();
CREATE TRIGGER submission_settles_family AFTER UPDATE OF advanced_at ON submission
    FOR EACH ROW WHEN ((OLD.advanced_at IS NULL) <> (NEW.advanced_at IS NULL)) EXECUTE FUNCTION settle_family();
ALTER TABLE submission ENABLE ALWAYS TRIGGER submission_opens_family, ENABLE ALWAYS TRIGGER submission_settles_family;

ALTER TABLE stage_progress
    ADD COLUMN origins bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_given bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_done bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_in_work bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_waiting bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_owed bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_lost bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_waived bigint NOT NULL DEFAULT 0;
ALTER TABLE stage_progress_delta
    ADD COLUMN origins bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_given bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_done bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_in_work bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_waiting bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_owed bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_lost bigint NOT NULL DEFAULT 0,
    ADD COLUMN inputs_waived bigint NOT NULL DEFAULT 0;
INSERT INTO stage_progress_delta (stage_id, is_test, state, submissions,
    jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown, files_waiting,
    files_delivered, files_consumed, files_skipped, files_done, files_failed, outputs_declared, outputs_located,
    outputs_lost, outputs_superseded, outputs_refused, events_located, origins, inputs_given, inputs_done,
    inputs_in_work, inputs_waiting, inputs_owed, inputs_lost, inputs_waived, cpu_s, wall_s, wall_wasted_s,
    memory_used_mb, memory_requested_mb)
SELECT stage_id, is_test, state, 0,
       0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sum(origins), sum(inputs_given), sum(inputs_done),
       sum(inputs_in_work), sum(inputs_waiting), sum(inputs_owed), sum(inputs_lost), sum(inputs_waived), 0, 0, 0, 0,
       0
  FROM submission GROUP BY stage_id, is_test, state;

CREATE OR REPLACE FUNCTION note_stage_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO stage_progress_delta (stage_id, is_test, state,
            submissions, jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed,
            jobs_unknown, files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed,
            outputs_declared, outputs_located, outputs_lost, outputs_superseded, outputs_refused, events_located,
            origins, inputs_given, inputs_done, inputs_in_work, inputs_waiting, inputs_owed, inputs_lost,
            inputs_waived, cpu_s, wall_s, wall_wasted_s, memory_used_mb, memory_requested_mb)
        SELECT stage_id, is_test, state, 1,
               jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown,
               files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed,
               outputs_declared, outputs_located, outputs_lost, outputs_superseded, outputs_refused, events_located,
               origins, inputs_given, inputs_done, inputs_in_work, inputs_waiting, inputs_owed, inputs_lost,
               inputs_waived, cpu_s, wall_s, wall_wasted_s, memory_used_mb, memory_requested_mb
          FROM fresh;
        RETURN NULL;
    END IF;
    INSERT INTO stage_progress_delta (stage_id, is_test, state,
        submissions, jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown,
        files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed, outputs_declared,
        outputs_located, outputs_lost, outputs_superseded, outputs_refused, events_located, origins, inputs_given,
        inputs_done, inputs_in_work, inputs_waiting, inputs_owed, inputs_lost, inputs_waived, cpu_s, wall_s,
        wall_wasted_s, memory_used_mb, memory_requested_mb)
    SELECT * FROM (
        SELECT stage_id, is_test, state, sum(n) AS submissions,
               sum(n * jobs_idle) AS jobs_idle, sum(n * jobs_running) AS jobs_running, sum(n * jobs_held) AS
               jobs_held, sum(n * jobs_succeeded) AS jobs_succeeded, sum(n * jobs_failed) AS jobs_failed, sum(n *
               jobs_removed) AS jobs_removed, sum(n * jobs_unknown) AS jobs_unknown, sum(n * files_waiting) AS
               files_waiting, sum(n * files_delivered) AS files_delivered, sum(n * files_consumed) AS
               files_consumed, sum(n * files_skipped) AS files_skipped, sum(n * files_done) AS files_done, sum(n *
               files_failed) AS files_failed, sum(n * outputs_declared) AS outputs_declared, sum(n *
               outputs_located) AS outputs_located, sum(n * outputs_lost) AS outputs_lost, sum(n *
               outputs_superseded) AS outputs_superseded, sum(n * outputs_refused) AS outputs_refused, sum(n *
               events_located) AS events_located, sum(n * origins) AS origins, sum(n * inputs_given) AS
               inputs_given, sum(n * inputs_done) AS inputs_done, sum(n * inputs_in_work) AS inputs_in_work, sum(n *
               inputs_waiting) AS inputs_waiting, sum(n * inputs_owed) AS inputs_owed, sum(n * inputs_lost) AS
               inputs_lost, sum(n * inputs_waived) AS inputs_waived, sum(n * cpu_s::numeric) AS cpu_s, sum(n *
               wall_s::numeric) AS wall_s, sum(n * wall_wasted_s::numeric) AS wall_wasted_s, sum(n *
               memory_used_mb::numeric) AS memory_used_mb, sum(n * memory_requested_mb::numeric) AS
               memory_requested_mb
          FROM (SELECT 1 AS n, * FROM fresh UNION ALL SELECT -1, * FROM stale) changed
         GROUP BY stage_id, is_test, state) moved
     WHERE (
        submissions, jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown,
        files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed, outputs_declared,
        outputs_located, outputs_lost, outputs_superseded, outputs_refused, events_located, origins, inputs_given,
        inputs_done, inputs_in_work, inputs_waiting, inputs_owed, inputs_lost, inputs_waived, cpu_s, wall_s,
        wall_wasted_s, memory_used_mb, memory_requested_mb)
           <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    RETURN NULL;
END $$;

-- migrate: rollback

CREATE OR REPLACE FUNCTION note_stage_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO stage_progress_delta (stage_id, is_test, state,
            submissions, jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed,
            jobs_unknown, files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed,
            outputs_declared, outputs_located, outputs_lost, outputs_superseded, outputs_refused, events_located,
            cpu_s, wall_s, wall_wasted_s, memory_used_mb, memory_requested_mb)
        SELECT stage_id, is_test, state, 1,
               jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown,
               files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed,
               outputs_declared, outputs_located, outputs_lost, outputs_superseded, outputs_refused, events_located,
               cpu_s, wall_s, wall_wasted_s, memory_used_mb, memory_requested_mb
          FROM fresh;
        RETURN NULL;
    END IF;
    INSERT INTO stage_progress_delta (stage_id, is_test, state,
        submissions, jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown,
        files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed, outputs_declared,
        outputs_located, outputs_lost, outputs_superseded, outputs_refused, events_located, cpu_s, wall_s,
        wall_wasted_s, memory_used_mb, memory_requested_mb)
    SELECT * FROM (
        SELECT stage_id, is_test, state, sum(n) AS submissions,
               sum(n * jobs_idle) AS jobs_idle, sum(n * jobs_running) AS jobs_running, sum(n * jobs_held) AS
               jobs_held, sum(n * jobs_succeeded) AS jobs_succeeded, sum(n * jobs_failed) AS jobs_failed, sum(n *
               jobs_removed) AS jobs_removed, sum(n * jobs_unknown) AS jobs_unknown, sum(n * files_waiting) AS
               files_waiting, sum(n * files_delivered) AS files_delivered, sum(n * files_consumed) AS
               files_consumed, sum(n * files_skipped) AS files_skipped, sum(n * files_done) AS files_done, sum(n *
               files_failed) AS files_failed, sum(n * outputs_declared) AS outputs_declared, sum(n *
               outputs_located) AS outputs_located, sum(n * outputs_lost) AS outputs_lost, sum(n *
               outputs_superseded) AS outputs_superseded, sum(n * outputs_refused) AS outputs_refused, sum(n *
               events_located) AS events_located, sum(n * cpu_s::numeric) AS cpu_s, sum(n * wall_s::numeric) AS
               wall_s, sum(n * wall_wasted_s::numeric) AS wall_wasted_s, sum(n * memory_used_mb::numeric) AS
               memory_used_mb, sum(n * memory_requested_mb::numeric) AS memory_requested_mb
          FROM (SELECT 1 AS n, * FROM fresh UNION ALL SELECT -1, * FROM stale) changed
         GROUP BY stage_id, is_test, state) moved
     WHERE (
        submissions, jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown,
        files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed, outputs_declared,
        outputs_located, outputs_lost, outputs_superseded, outputs_refused, events_located, cpu_s, wall_s,
        wall_wasted_s, memory_used_mb, memory_requested_mb)
           <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    RETURN NULL;
END $$;

ALTER TABLE stage_progress
    DROP COLUMN origins,
    DROP COLUMN inputs_given,
    DROP COLUMN inputs_done,
    DROP COLUMN inputs_in_work,
    DROP COLUMN inputs_waiting,
    DROP COLUMN inputs_owed,
    DROP COLUMN inputs_lost,
    DROP COLUMN inputs_waived;
ALTER TABLE stage_progress_delta
    DROP COLUMN origins,
    DROP COLUMN inputs_given,
    DROP COLUMN inputs_done,
    DROP COLUMN inputs_in_work,
    DROP COLUMN inputs_waiting,
    DROP COLUMN inputs_owed,
    DROP COLUMN inputs_lost,
    DROP COLUMN inputs_waived;
DROP TRIGGER submission_opens_family ON submission;
DROP TRIGGER submission_settles_family ON submission;
DROP FUNCTION settle_family;
ALTER TABLE submission
    DROP CONSTRAINT account_adds_up,
    DROP CONSTRAINT account_is_not_negative,
    DROP COLUMN origins,
    DROP COLUMN inputs_given,
    DROP COLUMN inputs_done,
    DROP COLUMN inputs_in_work,
    DROP COLUMN inputs_waiting,
    DROP COLUMN inputs_owed,
    DROP COLUMN inputs_lost,
    DROP COLUMN inputs_waived,
    DROP COLUMN settled,
    DROP COLUMN passed_undone,
    DROP COLUMN passed_done,
    DROP COLUMN units;
DROP TABLE waived_input;
DROP TABLE passed_input;
DROP TABLE stage_input;
