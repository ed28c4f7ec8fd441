-- people who leave: tokens that are revoked, and who goes on with what they owned
-- depends: 0030_disks

-- migrate: apply

ALTER TABLE person ADD COLUMN tokens_since timestamptz;  -- tokens that were made before are revoked

-- Single tokens, by the id that they carry, until the last that could have been made before has ended.
CREATE TABLE revoked_token (
    person_id bigint      NOT NULL REFERENCES person,
    id        uuid        NOT NULL,
    ends_at   timestamptz NOT NULL,
    PRIMARY KEY (person_id, id)
);

-- What follows a submission of somebody who has handed over its campaign (recoveries, dependents) is another one's.
CREATE TABLE hand_over (
    campaign_id bigint NOT NULL REFERENCES campaign,
    from_id     bigint NOT NULL REFERENCES person,
    to_id       bigint NOT NULL REFERENCES person,
    PRIMARY KEY (campaign_id, from_id),
    CHECK (from_id <> to_id)
);

CREATE INDEX campaign_owner    ON campaign (owner_id);
CREATE INDEX job_type_owner    ON job_type (owner_id);
CREATE INDEX login_setup_owner ON login_setup (owner_id);
CREATE INDEX credential_owner  ON credential (owner_id);
CREATE INDEX dataset_owner     ON dataset (owner_id);

-- migrate: rollback
