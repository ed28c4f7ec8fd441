-- requests with their revisions and decisions, approval rules, and whether campaigns may launch by them
-- depends: 0057_identity

-- migrate: apply

CREATE TYPE request_state AS ENUM ('draft', 'submitted', 'returned', 'rejected', 'consolidated', 'approved', 'assigned',
                                   'running', 'done', 'cancelled', 'archived');
CREATE TYPE request_decision_kind AS ENUM ('approve', 'return', 'reject');
CREATE TYPE approval_verdict AS ENUM ('free', 'granted', 'waiting');

-- The moves of domain/requests/requests.py: REQUEST_TRANSITIONS.
CREATE TABLE request_move (
    from_state request_state NOT NULL,
    to_state   request_state NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO request_move (from_state, to_state)
SELECT x.from_state::request_state, unnest(x.to_states)::request_state FROM (VALUES
    ('draft', ARRAY['submitted', 'cancelled']),
    ('returned', ARRAY['submitted', 'cancelled']),
    ('submitted', ARRAY['returned', 'rejected', 'consolidated', 'approved', 'cancelled']),
    ('approved', ARRAY['returned', 'rejected', 'consolidated', 'submitted', 'assigned', 'running', 'cancelled']),
    ('assigned', ARRAY['returned', 'rejected', 'consolidated', 'submitted', 'approved', 'running', 'cancelled']),
    ('running', ARRAY['done', 'cancelled']),
    ('done', ARRAY['archived']),
    ('cancelled', ARRAY['archived']),
    ('rejected', ARRAY['archived']),
    ('consolidated', ARRAY['archived'])
) AS x (from_state, to_states);

ALTER TABLE experiment ADD COLUMN requests int NOT NULL DEFAULT 0;  -- how many were made: the number of the last one

CREATE TABLE request (
    id               bigint        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id    bigint        NOT NULL REFERENCES experiment,
    number           int           NOT NULL,
    state            request_state NOT NULL DEFAULT 'draft',
    state_since      timestamptz   NOT NULL DEFAULT now(),
    revision         int           NOT NULL DEFAULT 0,
    title            text          NOT NULL,
    content          jsonb         NOT NULL CHECK (jsonb_typeof(content) = 'object'),
    campaign_id      bigint        UNIQUE REFERENCES campaign ON DELETE SET NULL,  -- how it is to run
    hashes           jsonb         NOT NULL DEFAULT '{}',                         -- of its parts as they are
    missing          jsonb         NOT NULL DEFAULT '[]',                         -- who has still to agree
    priority_granted int,
    owner_id         bigint        NOT NULL REFERENCES person,
    owning_role      role          NOT NULL,
    created_at       timestamptz   NOT NULL DEFAULT now(),
    updated_at       timestamptz   NOT NULL DEFAULT now(),
    UNIQUE (experiment_id, number)
);
CREATE INDEX request_by_state ON request (experiment_id, state, id);
CREATE INDEX request_that_waits ON request (id) WHERE state IN ('submitted', 'approved', 'assigned', 'running');

CREATE FUNCTION refuse_request_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM request_move WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'request % is %, and may not become %', OLD.id, OLD.state, NEW.state
              USING ERRCODE = 'check_violation', CONSTRAINT = 'request_move';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER request_move BEFORE UPDATE OF state ON request
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION refuse_request_move();

-- What was to be agreed to, word for word; also where a campaign or a job type was saved since.
CREATE TABLE request_revision (
    request_id        bigint      NOT NULL REFERENCES request,
    number            int         NOT NULL,
    content           jsonb       NOT NULL,
    campaign_id       bigint,
    campaign_revision int,
    parts             jsonb       NOT NULL,
    hashes            jsonb       NOT NULL,
    author_id         bigint      REFERENCES person,        -- null: what it refers to was changed elsewhere
    comment           text        NOT NULL DEFAULT '',
    at                timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (request_id, number)
);
CREATE FUNCTION refuse_to_change_a_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are a record and stay as they are', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER request_revision_stays BEFORE UPDATE OR DELETE ON request_revision
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_a_record();

-- A decision stays; what can become of it is that somebody takes it back.
CREATE TABLE request_decision (
    id           bigint                GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id   bigint                NOT NULL REFERENCES request,
    revision     int                   NOT NULL,
    kind         request_decision_kind NOT NULL,
    person_id    bigint                NOT NULL REFERENCES person,
    role         role,                                       -- what they were when they decided
    behalf_id    bigint                REFERENCES person,    -- for whom, as whose delegate
    behalf_role  role,
    hashes       jsonb                 NOT NULL,             -- of the parts that it covers, as they were
    comment      text                  NOT NULL DEFAULT '',
    at           timestamptz           NOT NULL DEFAULT clock_timestamp(),
    withdrawn_at timestamptz
);
CREATE INDEX request_decision_of ON request_decision (request_id, id);
CREATE FUNCTION refuse_to_change_a_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL
       AND to_jsonb(OLD) - 'withdrawn_at' = to_jsonb(NEW) - 'withdrawn_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a decision stays as it was made; it can be withdrawn once' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER request_decision_stays BEFORE UPDATE ON request_decision
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_a_decision();

CREATE TABLE approval_rule_set (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      NOT NULL UNIQUE REFERENCES experiment,
    version       int         NOT NULL DEFAULT 2,  -- where there are no rules, what was looked at says 1
    rules         jsonb       NOT NULL CHECK (jsonb_typeof(rules) = 'array'),
    set_by        bigint      NOT NULL REFERENCES person,
    set_at        timestamptz NOT NULL DEFAULT now()
);

-- Who decides while somebody is away.
CREATE TABLE delegation (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      NOT NULL REFERENCES experiment,
    from_id       bigint      NOT NULL REFERENCES person,
    to_id         bigint      NOT NULL REFERENCES person CHECK (to_id <> from_id),
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL CHECK (ends_at > starts_at),
    ended_at      timestamptz
);
CREATE INDEX delegation_of ON delegation (experiment_id, to_id);

-- Whether launches of a campaign's revision may begin by the rules of that version (0: to be looked at). An experiment
-- with rules launches nothing for which there is no row of its rules' version: see db/launching/launch_approvals.py.
CREATE TABLE campaign_approval (
    campaign_id      bigint           NOT NULL REFERENCES campaign ON DELETE CASCADE,
    revision         int              NOT NULL,
    rules_version    int              NOT NULL DEFAULT 0,
    production       approval_verdict NOT NULL DEFAULT 'waiting',
    production_until timestamptz,                            -- null: for ever
    test             approval_verdict NOT NULL DEFAULT 'waiting',
    test_until       timestamptz,
    ends_at          timestamptz,                            -- when it is to be looked at, since an agreement expires
    missing          jsonb            NOT NULL DEFAULT '[]',
    looked_at        timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (campaign_id, revision)
);
CREATE INDEX campaign_approval_to_look_at ON campaign_approval (campaign_id, revision) WHERE rules_version = 0;
CREATE INDEX campaign_approval_ends ON campaign_approval (ends_at) WHERE ends_at IS NOT NULL;

-- What decides about a campaign has changed: it is looked at anew before it launches again. With the key of its
-- experiment locked, since rules that are set meanwhile would not see a campaign that is not committed.
CREATE FUNCTION doubt_campaign() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM experiment WHERE id = NEW.experiment_id FOR KEY SHARE;
    IF EXISTS (SELECT FROM approval_rule_set WHERE experiment_id = NEW.experiment_id AND rules <> '[]')
       OR EXISTS (SELECT FROM request WHERE campaign_id = NEW.id) THEN
        INSERT INTO campaign_approval (campaign_id, revision) VALUES (NEW.id, NEW.revision)
            ON CONFLICT (campaign_id, revision) DO UPDATE SET rules_version = 0;
        UPDATE campaign_approval SET rules_version = 0 WHERE campaign_id = NEW.id AND rules_version > 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER campaign_is_doubted AFTER INSERT OR UPDATE OF revision, priority, owning_role ON campaign
    FOR EACH ROW WHEN (NEW.revision > 0) EXECUTE FUNCTION doubt_campaign();

CREATE FUNCTION doubt_users_of_a_setup() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE campaign_approval SET rules_version = 0
     WHERE rules_version > 0
       AND campaign_id IN (SELECT campaign_id FROM stage
                            WHERE experiment_id = NEW.experiment_id
                              AND CASE TG_TABLE_NAME WHEN 'job_type' THEN job_type_id ELSE login_setup_id END = NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER job_type_is_doubted AFTER UPDATE ON job_type
    FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION doubt_users_of_a_setup();
CREATE TRIGGER login_setup_is_doubted AFTER UPDATE ON login_setup
    FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION doubt_users_of_a_setup();

CREATE VIEW foreign_request AS SELECT id FROM request WHERE NOT (SELECT reaches_all())
    AND experiment_id <> ALL (coalesce((SELECT reached_experiments()), '{}'));

-- migrate: rollback

DROP VIEW foreign_request;
DROP TRIGGER campaign_is_doubted ON campaign;
DROP TRIGGER job_type_is_doubted ON job_type;
DROP TRIGGER login_setup_is_doubted ON login_setup;
DROP FUNCTION doubt_campaign, doubt_users_of_a_setup;
DROP TABLE campaign_approval, delegation, approval_rule_set, request_decision, request_revision, request, request_move;
DROP FUNCTION refuse_request_move, refuse_to_change_a_record, refuse_to_change_a_decision;
ALTER TABLE experiment DROP COLUMN requests;
DROP TYPE request_state, request_decision_kind, approval_verdict;
