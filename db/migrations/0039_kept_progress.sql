-- what campaignProgress adds up is kept, for each stage and state: submissions tell it what changes, and workers fold that
-- depends: 0036_roles

-- migrate: apply

-- Times and memory are numeric: what is added and taken away again leaves exactly nothing.
CREATE TABLE stage_progress (
    stage_id            bigint           NOT NULL REFERENCES stage,
    is_test             boolean          NOT NULL,
    state               submission_state NOT NULL,
    submissions         bigint           NOT NULL,
    jobs_idle           bigint           NOT NULL,
    jobs_running        bigint           NOT NULL,
    jobs_held           bigint           NOT NULL,
    jobs_succeeded      bigint           NOT NULL,
    jobs_failed         bigint           NOT NULL,
    jobs_removed        bigint           NOT NULL,
    jobs_unknown        bigint           NOT NULL,
    files_waiting       bigint           NOT NULL,
    files_delivered     bigint           NOT NULL,
    files_consumed      bigint           NOT NULL,
    files_skipped       bigint           NOT NULL,
    files_done          bigint           NOT NULL,
    files_failed        bigint           NOT NULL,
    outputs_declared    bigint           NOT NULL,
    outputs_located     bigint           NOT NULL,
    outputs_lost        bigint           NOT NULL,
    outputs_superseded  bigint           NOT NULL,
    outputs_refused     bigint           NOT NULL,
    events_located      bigint           NOT NULL,
    cpu_s               numeric          NOT NULL,
    wall_s              numeric          NOT NULL,
    wall_wasted_s       numeric          NOT NULL,
    memory_used_mb      numeric          NOT NULL,
    memory_requested_mb numeric          NOT NULL,
    PRIMARY KEY (stage_id, is_test, state)
) WITH (fillfactor = 50);

-- Rows that are only added, so that submissions of one stage never wait for each other: what is kept is the sum of both.
CREATE TABLE stage_progress_delta (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    LIKE stage_progress INCLUDING DEFAULTS
);
CREATE INDEX stage_progress_delta_stage ON stage_progress_delta (stage_id);
ALTER TABLE stage_progress_delta SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                                      autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);

-- Nobody changes a submission between this count and the triggers.
LOCK TABLE submission IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO stage_progress
SELECT stage_id, is_test, state, count(*),
       sum(jobs_idle), sum(jobs_running), sum(jobs_held), sum(jobs_succeeded), sum(jobs_failed), sum(jobs_removed),
       sum(jobs_unknown), sum(files_waiting), sum(files_delivered), sum(files_consumed), sum(files_skipped),
       sum(files_done), sum(files_failed), sum(outputs_declared), sum(outputs_located), sum(outputs_lost),
       sum(outputs_superseded), sum(outputs_refused), sum(events_located), sum(cpu_s::numeric), sum(wall_s::numeric),
       sum(wall_wasted_s::numeric), sum(memory_used_mb::numeric), sum(memory_requested_mb::numeric)
  FROM submission GROUP BY stage_id, is_test, state;

-- One row for each stage and state that a statement has changed; none where it changed nothing of this.
CREATE FUNCTION note_stage_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO stage_progress_delta (stage_id, is_test, state,
            submissions, jobs_idle, jobs_running, jobs_held, jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown,
            files_waiting, files_delivered, files_consumed, files_skipped, files_done, files_failed,
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
               sum(n * jobs_idle) AS jobs_idle, sum(n * jobs_running) AS jobs_running,
               sum(n * jobs_held) AS jobs_held, sum(n * jobs_succeeded) AS jobs_succeeded,
               sum(n * jobs_failed) AS jobs_failed, sum(n * jobs_removed) AS jobs_removed,
               sum(n * jobs_unknown) AS jobs_unknown, sum(n * files_waiting) AS files_waiting,
               sum(n * files_delivered) AS files_delivered, sum(n * files_consumed) AS files_consumed,
               sum(n * files_skipped) AS files_skipped, sum(n * files_done) AS files_done,
               sum(n * files_failed) AS files_failed, sum(n * outputs_declared) AS outputs_declared,
               sum(n * outputs_located) AS outputs_located, sum(n * outputs_lost) AS outputs_lost,
               sum(n * outputs_superseded) AS outputs_superseded, sum(n * outputs_refused) AS outputs_refused,
               sum(n * events_located) AS events_located, sum(n * cpu_s::numeric) AS cpu_s,
               sum(n * wall_s::numeric) AS wall_s, sum(n * wall_wasted_s::numeric) AS wall_wasted_s,
               sum(n * memory_used_mb::numeric) AS memory_used_mb,
               sum(n * memory_requested_mb::numeric) AS memory_requested_mb
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

CREATE TRIGGER submission_made_progress AFTER INSERT ON submission REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION note_stage_progress();
CREATE TRIGGER submission_progress AFTER UPDATE ON submission REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_stage_progress();

-- Also where a repair by hand has switched off what refuses moves.
ALTER TABLE submission ENABLE ALWAYS TRIGGER submission_made_progress, ENABLE ALWAYS TRIGGER submission_progress;

-- migrate: rollback

DROP TRIGGER submission_made_progress ON submission;
DROP TRIGGER submission_progress ON submission;
DROP FUNCTION note_stage_progress;
DROP TABLE stage_progress_delta;
DROP TABLE stage_progress;
