-- the house: every noun of the design, partitions and counters from the first day
-- depends:

-- migrate: apply

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TYPE role             AS ENUM ('analysis', 'shifter', 'production', 'superuser');
CREATE TYPE stage_kind       AS ENUM ('regular', 'generator', 'approval', 'datatransfer', 'test');
CREATE TYPE completion       AS ENUM ('complete', 'located');
CREATE TYPE trigger_kind     AS ENUM ('per_parent');
CREATE TYPE host_kind        AS ENUM ('local', 'ssh');
CREATE TYPE credential_kind  AS ENUM ('token', 'proxy');
CREATE TYPE submission_state AS ENUM ('queued', 'new', 'submitting', 'uncertain', 'idle', 'running', 'held', 'completed',
                                      'located', 'launch_failed', 'failed', 'cancelled', 'removed');
CREATE TYPE launch_state     AS ENUM ('intended', 'sent', 'acknowledged', 'opened', 'seen', 'abandoned');
CREATE TYPE job_state        AS ENUM ('idle', 'running', 'held', 'succeeded', 'failed', 'removed', 'unknown');
CREATE TYPE verb             AS ENUM ('remove', 'hold', 'release');
CREATE TYPE delivery         AS ENUM ('waiting', 'delivered', 'consumed', 'skipped');
CREATE TYPE outcome          AS ENUM ('none', 'done', 'failed');
CREATE TYPE output_state     AS ENUM ('declared', 'located', 'lost', 'superseded');

-- Who ---------------------------------------------------------------------------------------------------------------

CREATE TABLE experiment (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text        NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_-]{0,31}$'),
    title      text        NOT NULL DEFAULT '',
    active     boolean     NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE person (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username   text        NOT NULL UNIQUE CHECK (username ~ '^[a-z][a-z0-9_.-]{0,63}$'),
    name       text        NOT NULL DEFAULT '',
    is_admin   boolean     NOT NULL DEFAULT false,
    active     boolean     NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE membership (
    person_id     bigint      NOT NULL REFERENCES person,
    experiment_id bigint      NOT NULL REFERENCES experiment,
    role          role        NOT NULL,
    since         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, experiment_id)
);
CREATE INDEX membership_experiment ON membership (experiment_id);

-- How work is launched ----------------------------------------------------------------------------------------------

CREATE TABLE launch_host (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      NOT NULL REFERENCES experiment,
    name          text        NOT NULL,
    kind          host_kind   NOT NULL DEFAULT 'local',
    address       text        NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (experiment_id, name)
);

CREATE TABLE credential (
    id            bigint          GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint          NOT NULL REFERENCES experiment,
    owner_id      bigint          NOT NULL REFERENCES person,
    name          text            NOT NULL,
    kind          credential_kind NOT NULL,
    purpose       text            NOT NULL DEFAULT '',
    path          text            NOT NULL DEFAULT '',   -- where the secret lies; the secret itself is never in here
    renewal       text[]          NOT NULL DEFAULT '{}', -- the command that renews it, as arguments
    expires_at    timestamptz,
    created_at    timestamptz     NOT NULL DEFAULT now(),
    UNIQUE (experiment_id, name)
);

CREATE TABLE login_setup (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id  bigint      NOT NULL REFERENCES experiment,
    name           text        NOT NULL,
    launch_host_id bigint      NOT NULL REFERENCES launch_host,
    credential_id  bigint      REFERENCES credential,
    account        text        NOT NULL DEFAULT '',
    setup          text[]      NOT NULL DEFAULT '{}',
    environment    jsonb       NOT NULL DEFAULT '{}',
    owner_id       bigint      NOT NULL REFERENCES person,
    owning_role    role        NOT NULL,
    active         boolean     NOT NULL DEFAULT true,
    version        int         NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (experiment_id, name)
);

CREATE TABLE job_type (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id  bigint      NOT NULL REFERENCES experiment,
    name           text        NOT NULL,
    command        text[]      NOT NULL CHECK (cardinality(command) > 0),
    parameters     jsonb       NOT NULL DEFAULT '[]',   -- ordered [key, value] pairs
    output_check   text[]      NOT NULL DEFAULT '{}',
    patterns       text[]      NOT NULL DEFAULT '{}',   -- globs that a job's outputs match, each at least once
    recoveries     jsonb       NOT NULL DEFAULT '[]',   -- ordered {type, overrides, rounds}
    resources      jsonb       NOT NULL DEFAULT '{}',   -- cpus, memory_mb, disk_mb, walltime_s
    owner_id       bigint      NOT NULL REFERENCES person,
    owning_role    role        NOT NULL,
    active         boolean     NOT NULL DEFAULT true,
    version        int         NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (experiment_id, name)
);

-- Files: the embedded catalog ---------------------------------------------------------------------------------------

CREATE TABLE file (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      NOT NULL REFERENCES experiment,
    name          text        NOT NULL CHECK (name <> '' AND name !~ '[/[:cntrl:]]'),
    size          bigint      NOT NULL CHECK (size >= 0),
    checksum      text,
    events        bigint,
    run           int,
    metadata      jsonb       NOT NULL DEFAULT '{}',
    location      text        NOT NULL,                 -- absolute path inside the store
    submission_id bigint,                               -- the producer, where it is one of ours
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (experiment_id, name)
);

CREATE TABLE file_parent (
    child_id  bigint NOT NULL REFERENCES file,
    parent_id bigint NOT NULL REFERENCES file,
    PRIMARY KEY (child_id, parent_id)
);
CREATE INDEX file_parent_parent ON file_parent (parent_id);

-- Files get their ordinal under the dataset's row lock (UPDATE dataset SET head = head + n): a keyset on it misses none.
CREATE TABLE dataset (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      NOT NULL REFERENCES experiment,
    name          text        NOT NULL,                 -- 'stage:42' is the input of a stage, fed by its dependencies
    description   text        NOT NULL DEFAULT '',
    catalog       text        NOT NULL DEFAULT 'embedded',
    head          bigint      NOT NULL DEFAULT 0,       -- ordinals 0 .. head-1 are there
    bytes         bigint      NOT NULL DEFAULT 0,
    events        bigint      NOT NULL DEFAULT 0,
    owner_id      bigint      NOT NULL REFERENCES person,
    owning_role   role        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (experiment_id, name)
);

CREATE TABLE dataset_file (
    dataset_id bigint NOT NULL REFERENCES dataset,
    ordinal    bigint NOT NULL,
    file_id    bigint NOT NULL REFERENCES file,
    PRIMARY KEY (dataset_id, ordinal),
    UNIQUE (dataset_id, file_id)
);

-- Datasets only grow, so that a frozen list of a dataset's files is where its head was.
CREATE TABLE snapshot (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset_id bigint      NOT NULL REFERENCES dataset,
    head       bigint      NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (dataset_id, head)
);

-- Campaigns ---------------------------------------------------------------------------------------------------------

CREATE TABLE campaign (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      NOT NULL REFERENCES experiment,
    name          text        NOT NULL,
    description   text        NOT NULL DEFAULT '',
    defaults      jsonb       NOT NULL DEFAULT '{}',    -- parameters (ordered pairs) and keywords
    active        boolean     NOT NULL DEFAULT true,
    revision      int         NOT NULL DEFAULT 0,       -- number of the newest one
    owner_id      bigint      NOT NULL REFERENCES person,
    owning_role   role        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (experiment_id, name)
);

-- Each save leaves the whole campaign as it was then; nothing ever changes one.
CREATE TABLE campaign_revision (
    campaign_id bigint      NOT NULL REFERENCES campaign,
    number      int         NOT NULL,
    body        jsonb       NOT NULL,
    author_id   bigint      NOT NULL REFERENCES person,
    comment     text        NOT NULL DEFAULT '',
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (campaign_id, number)
);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is immutable', TG_TABLE_NAME;
END $$;
CREATE TRIGGER campaign_revision_is_immutable BEFORE UPDATE OR DELETE ON campaign_revision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE stage (
    id               bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id    bigint      NOT NULL REFERENCES experiment,
    campaign_id      bigint      NOT NULL REFERENCES campaign,
    name             text        NOT NULL,
    kind             stage_kind  NOT NULL DEFAULT 'regular',
    job_type_id      bigint      NOT NULL REFERENCES job_type,
    login_setup_id   bigint      NOT NULL REFERENCES login_setup,
    dataset_id       bigint      REFERENCES dataset,    -- what it works on; a stage with dependencies has one of its own
    parameter_lists  jsonb       NOT NULL DEFAULT '[]', -- of multiparam: a list of lists of text
    split            text        NOT NULL DEFAULT 'none',
    test_split       text,
    software_version text        NOT NULL DEFAULT '',
    parameters       jsonb       NOT NULL DEFAULT '[]',
    test_parameters  jsonb       NOT NULL DEFAULT '[]',
    files_per_job    int         NOT NULL DEFAULT 1 CHECK (files_per_job BETWEEN 1 AND 100000),
    jobs_per_slice   int         NOT NULL DEFAULT 1 CHECK (jobs_per_slice BETWEEN 1 AND 100000),
    events_per_job   bigint      NOT NULL DEFAULT 1 CHECK (events_per_job >= 1),
    completion       completion  NOT NULL DEFAULT 'located',
    completion_pct   int         NOT NULL DEFAULT 95 CHECK (completion_pct BETWEEN 0 AND 100),
    recoveries       jsonb,                             -- null: the job type's
    resources        jsonb       NOT NULL DEFAULT '{}',
    batch_system     text        NOT NULL DEFAULT 'local',
    most_unfinished  int         CHECK (most_unfinished >= 1),
    active           boolean     NOT NULL DEFAULT true,
    epoch            int         NOT NULL DEFAULT 1 CHECK (epoch >= 1),
    cursor           jsonb       NOT NULL DEFAULT '0',
    slices           int         NOT NULL DEFAULT 0,
    test_epoch       int         NOT NULL DEFAULT -1 CHECK (test_epoch <= -1),
    test_cursor      jsonb       NOT NULL DEFAULT '0',
    split_seq        bigint      NOT NULL DEFAULT 0,    -- every taken slice adds one: compare and set
    unfinished       int         NOT NULL DEFAULT 0 CHECK (unfinished >= 0),
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (campaign_id, name)
);

CREATE TABLE dependency (
    id            bigint       GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id   bigint       NOT NULL REFERENCES campaign,
    upstream_id   bigint       NOT NULL REFERENCES stage,
    downstream_id bigint       NOT NULL REFERENCES stage,
    patterns      text[]       NOT NULL DEFAULT '{}',   -- globs; none: every output
    trigger       trigger_kind NOT NULL DEFAULT 'per_parent',
    active        boolean      NOT NULL DEFAULT true,
    UNIQUE (upstream_id, downstream_id)
);
CREATE INDEX dependency_campaign ON dependency (campaign_id);
CREATE INDEX dependency_downstream ON dependency (downstream_id);

CREATE TABLE schedule (
    stage_id   bigint      PRIMARY KEY REFERENCES stage,
    cron       text        NOT NULL,
    zone       text        NOT NULL DEFAULT 'UTC',
    active     boolean     NOT NULL DEFAULT true,
    next_at    timestamptz NOT NULL,
    last_at    timestamptz,
    last_said  text        NOT NULL DEFAULT '',
    person_id  bigint      NOT NULL REFERENCES person
);
CREATE INDEX schedule_due ON schedule (next_at) WHERE active;

-- Slices and submissions --------------------------------------------------------------------------------------------

-- ordinals: of the dataset's files, or indices of the generator. Epochs below 0 are those of test launches.
CREATE TABLE slice (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stage_id    bigint      NOT NULL REFERENCES stage,
    epoch       int         NOT NULL,
    number      int         NOT NULL,
    snapshot_id bigint      REFERENCES snapshot,
    ordinals    int8range   CHECK (NOT isempty(ordinals)),
    parameter   text,
    cursor      jsonb       NOT NULL,                   -- where the stage's cursor was before it
    at          timestamptz NOT NULL DEFAULT now(),
    UNIQUE (stage_id, epoch, number),
    CONSTRAINT slices_never_overlap UNIQUE (stage_id, epoch, ordinals WITHOUT OVERLAPS)
);

CREATE TABLE submission (
    id                  bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id       bigint           NOT NULL REFERENCES experiment,
    campaign_id         bigint           NOT NULL REFERENCES campaign,
    stage_id            bigint           NOT NULL REFERENCES stage,
    slice_id            bigint           NOT NULL REFERENCES slice,
    campaign_revision   int              NOT NULL,
    is_test             boolean          NOT NULL DEFAULT false,
    state               submission_state NOT NULL,
    state_since         timestamptz      NOT NULL DEFAULT now(),
    revision            bigint           NOT NULL DEFAULT 1,  -- of this row's meaning: grows with each change told
    reason              text             NOT NULL DEFAULT '',
    created_by          bigint           NOT NULL REFERENCES person,
    created_at          timestamptz      NOT NULL DEFAULT now(),
    ended_at            timestamptz,                          -- batch work over
    advanced_at         timestamptz,                          -- its recovery was launched, or none needed
    fired_at            timestamptz,                          -- its dependents were launched (of an origin, once)
    check_at            timestamptz,                          -- when advance looks again
    origin_id           bigint           REFERENCES submission,
    recovery_position   int,
    round               int,
    upstream_id         bigint           REFERENCES submission,
    dependency_id       bigint           REFERENCES dependency,
    trigger_no          int,
    batch_system        text             NOT NULL,
    configuration       jsonb            NOT NULL,            -- exactly what it ran with
    launch_attempt      int              NOT NULL DEFAULT 0,
    lease_until         timestamptz,
    lease_holder        text,
    kicked_by           bigint           REFERENCES person,
    holds_files         boolean          NOT NULL DEFAULT true, -- its live_file rows are there
    counted             boolean          NOT NULL,              -- in stage.unfinished
    jobs                int              NOT NULL DEFAULT 0,
    jobs_idle           int              NOT NULL DEFAULT 0,
    jobs_running        int              NOT NULL DEFAULT 0,
    jobs_held           int              NOT NULL DEFAULT 0,
    jobs_succeeded      int              NOT NULL DEFAULT 0,
    jobs_failed         int              NOT NULL DEFAULT 0,
    jobs_removed        int              NOT NULL DEFAULT 0,
    jobs_unknown        int              NOT NULL DEFAULT 0,
    files               bigint           NOT NULL DEFAULT 0,
    files_waiting       bigint           NOT NULL DEFAULT 0,
    files_delivered     bigint           NOT NULL DEFAULT 0,
    files_consumed      bigint           NOT NULL DEFAULT 0,
    files_skipped       bigint           NOT NULL DEFAULT 0,
    files_done          bigint           NOT NULL DEFAULT 0,
    files_failed        bigint           NOT NULL DEFAULT 0,
    outputs_declared    bigint           NOT NULL DEFAULT 0,
    outputs_located     bigint           NOT NULL DEFAULT 0,
    outputs_lost        bigint           NOT NULL DEFAULT 0,
    outputs_superseded  bigint           NOT NULL DEFAULT 0,
    events_located      bigint           NOT NULL DEFAULT 0,
    cpu_s               double precision NOT NULL DEFAULT 0,  -- over jobs that are over, of their last attempts
    wall_s              double precision NOT NULL DEFAULT 0,
    wall_wasted_s       double precision NOT NULL DEFAULT 0,  -- of jobs that did not succeed
    memory_used_mb      double precision NOT NULL DEFAULT 0,  -- summed over jobs that are over, as is the next
    memory_requested_mb double precision NOT NULL DEFAULT 0,
    CHECK ((origin_id IS NULL) = (recovery_position IS NULL)),
    CHECK ((origin_id IS NULL) = (round IS NULL)),
    CHECK ((dependency_id IS NULL) = (upstream_id IS NULL)),
    CONSTRAINT one_recovery_per_entry_and_round UNIQUE (origin_id, recovery_position, round),
    CONSTRAINT one_launch_per_trigger UNIQUE (upstream_id, dependency_id, trigger_no)
);
CREATE UNIQUE INDEX one_live_submission_per_slice ON submission (slice_id)
    WHERE state IN ('queued', 'new', 'submitting', 'uncertain', 'idle', 'running', 'held');
CREATE INDEX submission_stage      ON submission (stage_id, id);
CREATE INDEX submission_campaign   ON submission (campaign_id, id);
CREATE INDEX submission_experiment ON submission (experiment_id, id);
CREATE INDEX submission_origin     ON submission (origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX submission_upstream   ON submission (upstream_id) WHERE upstream_id IS NOT NULL;
CREATE INDEX submission_queued     ON submission (stage_id, id) WHERE state = 'queued';
CREATE INDEX submission_launching  ON submission (id) WHERE state IN ('new', 'submitting', 'uncertain');
CREATE INDEX submission_advancing  ON submission (check_at) WHERE ended_at IS NOT NULL AND check_at IS NOT NULL;

-- A file is in one live submission of a stage; gone when that one ends.
CREATE TABLE live_file (
    stage_id      bigint  NOT NULL,
    is_test       boolean NOT NULL,
    file_id       bigint  NOT NULL,
    submission_id bigint  NOT NULL,
    PRIMARY KEY (stage_id, is_test, file_id)
);
CREATE INDEX live_file_submission ON live_file (submission_id);

-- A file is done once per stage and version, whichever attempts or recoveries ran: who comes second is superseded.
CREATE TABLE processed_file (
    stage_id      bigint  NOT NULL,
    version       text    NOT NULL,
    is_test       boolean NOT NULL,
    file_id       bigint  NOT NULL,
    submission_id bigint  NOT NULL,
    number        int     NOT NULL,
    PRIMARY KEY (stage_id, version, is_test, file_id)
);

CREATE TABLE launch_attempt (
    submission_id bigint       NOT NULL REFERENCES submission,
    attempt       int          NOT NULL,
    batch_system  text         NOT NULL,
    mark          text         NOT NULL UNIQUE,
    state         launch_state NOT NULL DEFAULT 'intended',
    holder        text         NOT NULL,
    native_id     text,
    said          text         NOT NULL DEFAULT '',
    at            timestamptz  NOT NULL DEFAULT now(),
    updated_at    timestamptz  NOT NULL DEFAULT now(),
    PRIMARY KEY (submission_id, attempt)
);

CREATE TABLE cluster (
    batch_system  text   NOT NULL,
    native_id     text   NOT NULL,
    submission_id bigint NOT NULL REFERENCES submission,
    attempt       int    NOT NULL,
    PRIMARY KEY (batch_system, native_id)
);
CREATE INDEX cluster_submission ON cluster (submission_id);

CREATE TABLE launch_output (
    submission_id bigint      NOT NULL REFERENCES submission,
    sequence      int         NOT NULL,
    attempt       int         NOT NULL,
    text          text        NOT NULL CHECK (length(text) <= 20000),
    at            timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (submission_id, sequence)
);

-- What people asked of a submission's jobs; a worker carries it to the batch system.
CREATE TABLE action (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    submission_id bigint      NOT NULL REFERENCES submission,
    verb          verb        NOT NULL,
    reason        text        NOT NULL,
    person_id     bigint      NOT NULL REFERENCES person,
    at            timestamptz NOT NULL DEFAULT now(),
    tries         int         NOT NULL DEFAULT 0,
    try_at        timestamptz NOT NULL DEFAULT now(),
    done_at       timestamptz,
    said          text        NOT NULL DEFAULT ''
);
CREATE INDEX action_submission ON action (submission_id, id);
CREATE INDEX action_open ON action (try_at) WHERE done_at IS NULL;

-- The bulk: partitioned by submission; keys carry it, and nothing refers to them by foreign keys ---------------------

CREATE TABLE work_unit (
    submission_id bigint NOT NULL,
    number        int    NOT NULL,
    files         int    NOT NULL DEFAULT 0,
    bytes         bigint NOT NULL DEFAULT 0,
    parameter     text,
    index         bigint,                               -- of the generator, with the next five
    seed          bigint,
    run           int,
    subrun        int,
    first_event   bigint,
    events        bigint,
    first_submission_id bigint NOT NULL,                -- where this identity was first; a recovery keeps it
    first_number  int    NOT NULL,
    PRIMARY KEY (submission_id, number)
) PARTITION BY RANGE (submission_id);

CREATE TABLE job (
    submission_id bigint           NOT NULL,
    number        int              NOT NULL,
    state         job_state        NOT NULL DEFAULT 'idle',
    attempt       int              NOT NULL DEFAULT 0,
    seen          bigint           NOT NULL DEFAULT -1, -- place in the batch system's feed that was applied last
    native_id     text,
    reason        text,                                 -- of a failure: exit, signal, memory, walltime, no_report, ...
    exit_code     int,
    signal        int,
    code          int,
    subcode       int,
    text          text,
    site          text,
    slot          text,
    cpu_s         double precision,
    wall_s        double precision,
    memory_mb     double precision,
    started_at    timestamptz,
    ended_at      timestamptz,
    log_tail      text,
    PRIMARY KEY (submission_id, number)
) PARTITION BY RANGE (submission_id);

CREATE TABLE attempt (
    submission_id bigint           NOT NULL,
    number        int              NOT NULL,
    attempt       int              NOT NULL,
    state         job_state        NOT NULL,
    seen          bigint           NOT NULL,
    exit_code     int,
    signal        int,
    code          int,
    subcode       int,
    text          text,
    site          text,
    slot          text,
    cpu_s         double precision,
    wall_s        double precision,
    memory_mb     double precision,
    started_at    timestamptz,
    ended_at      timestamptz,
    PRIMARY KEY (submission_id, number, attempt)
) PARTITION BY RANGE (submission_id);

CREATE TABLE input_file (
    submission_id bigint   NOT NULL,
    number        int      NOT NULL,                    -- of the work unit and its job
    file_id       bigint   NOT NULL,
    delivery      delivery NOT NULL DEFAULT 'waiting',
    outcome       outcome  NOT NULL DEFAULT 'none',
    reason        text,
    PRIMARY KEY (submission_id, file_id)
) PARTITION BY RANGE (submission_id);
CREATE INDEX input_file_number ON input_file (submission_id, number);

CREATE TABLE output_file (
    submission_id bigint       NOT NULL,
    number        int          NOT NULL,
    attempt       int          NOT NULL,
    name          text         NOT NULL,
    path          text         NOT NULL,
    size          bigint       NOT NULL,
    checksum      text         NOT NULL,
    pattern       text         NOT NULL DEFAULT '',
    parents       bigint[]     NOT NULL DEFAULT '{}',
    events        bigint,
    metadata      jsonb        NOT NULL DEFAULT '{}',
    state         output_state NOT NULL,
    file_id       bigint,
    problem       text,                                 -- what the last look at it found
    declared_at   timestamptz  NOT NULL DEFAULT now(),
    PRIMARY KEY (submission_id, number, name)
) PARTITION BY RANGE (submission_id);
CREATE INDEX output_file_declared ON output_file (submission_id, number, name) WHERE state = 'declared';

-- Changes -----------------------------------------------------------------------------------------------------------

CREATE TABLE change_inbox (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      NOT NULL,
    campaign_id   bigint,
    submission_id bigint,
    kind          text        NOT NULL,
    body          jsonb       NOT NULL,
    at            timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE change_inbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                              autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);

CREATE TABLE change (
    position      bigint      PRIMARY KEY,
    id            bigint      NOT NULL,
    experiment_id bigint      NOT NULL,
    campaign_id   bigint,
    submission_id bigint,
    kind          text        NOT NULL,
    body          jsonb       NOT NULL,
    at            timestamptz NOT NULL,
    positioned_at timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY RANGE (position);
CREATE INDEX change_submission ON change (submission_id, position);

CREATE TABLE change_head (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    position   bigint  NOT NULL,
    history_id uuid    NOT NULL
) WITH (fillfactor = 10);
INSERT INTO change_head (position, history_id) VALUES (0, gen_random_uuid());

-- Each statement of a volatile function gets a fresh snapshot, so that DELETE sees what the relay before committed.
CREATE FUNCTION relay_batch(bound int, OUT first bigint, OUT last bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT position INTO first FROM change_head FOR UPDATE;
    WITH taken AS (
        DELETE FROM change_inbox
         WHERE id = ANY (ARRAY(SELECT id FROM change_inbox ORDER BY id LIMIT bound))
        RETURNING *
    ), put AS (
        INSERT INTO change (position, id, experiment_id, campaign_id, submission_id, kind, body, at)
        SELECT first + row_number() OVER (ORDER BY id), id, experiment_id, campaign_id, submission_id, kind, body, at
          FROM taken
        RETURNING 1
    )
    SELECT first + count(*) INTO last FROM put;
    IF last > first THEN
        UPDATE change_head SET position = last;
    END IF;
END $$;

-- The after-image that every change of a submission carries.
CREATE FUNCTION submission_image(s submission) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'revision', s.revision, 'state', s.state, 'reason', s.reason, 'stage_id', s.stage_id, 'is_test', s.is_test,
        'jobs', s.jobs, 'idle', s.jobs_idle, 'running', s.jobs_running, 'held', s.jobs_held,
        'succeeded', s.jobs_succeeded, 'failed', s.jobs_failed, 'removed', s.jobs_removed,
        'files', s.files, 'done', s.files_done, 'files_failed', s.files_failed,
        'declared', s.outputs_declared, 'located', s.outputs_located)
$$;

-- Machinery ---------------------------------------------------------------------------------------------------------

CREATE TABLE lease (
    name   text        PRIMARY KEY,
    holder text        NOT NULL,
    epoch  bigint      NOT NULL,
    until  timestamptz NOT NULL
);

CREATE TABLE watch (
    batch_system text        PRIMARY KEY,
    read_to      text,
    epoch        bigint      NOT NULL DEFAULT 0,
    heard_at     timestamptz NOT NULL DEFAULT now(),    -- when it last answered
    health       jsonb       NOT NULL DEFAULT '{}'
);

CREATE TABLE idempotency (
    person_id    bigint      NOT NULL REFERENCES person,
    key          text        NOT NULL,
    operation    text        NOT NULL,
    request_hash text        NOT NULL,
    result       text        NOT NULL,                  -- node id of what it made
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, key)
);

CREATE FUNCTION ensure_partitions(ahead int) RETURNS void LANGUAGE plpgsql AS $$
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
SELECT ensure_partitions(3);

-- migrate: rollback
