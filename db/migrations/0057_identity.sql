-- who somebody is at issuers of tokens outside, and tokens for scripts
-- depends: 0056_inactive_campaigns

-- migrate: apply

-- A name can be given to somebody else by an issuer one day, a subject never.
CREATE TABLE identity (
    issuer     text        NOT NULL,
    subject    text        NOT NULL,
    person_id  bigint      NOT NULL REFERENCES person,
    mapped     jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(mapped) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject),
    UNIQUE (person_id, issuer)
);
COMMENT ON COLUMN identity.mapped IS 'the roles that the issuer said last, by id of experiment';

CREATE TABLE service_token (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      NOT NULL REFERENCES experiment,
    person_id     bigint      NOT NULL REFERENCES person,
    name          text        NOT NULL,
    scopes        text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    token_id      uuid        NOT NULL UNIQUE,             -- by which it is revoked, as any token
    token_hash    bytea       NOT NULL UNIQUE,             -- SHA-256; nothing that signs anybody in
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    revoked_at    timestamptz,
    CHECK (expires_at > created_at)
);
CREATE INDEX service_token_by_experiment ON service_token (experiment_id, id);

-- migrate: rollback

DROP TABLE service_token;
DROP TABLE identity;
