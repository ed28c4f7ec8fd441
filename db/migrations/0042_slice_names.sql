-- what a launch works on has a name, and people have folders of uploads for their launch scripts
-- depends: 0041_names

-- migrate: apply

-- The files of one launch: those of its submission, under a name that no other dataset of the experiment has.
ALTER TABLE dataset ADD COLUMN submission_id bigint UNIQUE REFERENCES submission;
CREATE INDEX dataset_listed ON dataset (experiment_id, name) WHERE submission_id IS NULL;

-- Of a person's files of one name the one that is there has no `removed_at`. The bytes lie under its id, until
-- they were dropped: when no launch has them to come any more.
CREATE TABLE upload (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint      NOT NULL REFERENCES experiment,
    person_id     bigint      NOT NULL REFERENCES person,
    name          text        NOT NULL,
    size          bigint      NOT NULL CHECK (size >= 0),
    checksum      text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    removed_at    timestamptz,
    dropped_at    timestamptz CHECK (dropped_at IS NULL OR removed_at IS NOT NULL)
);
CREATE UNIQUE INDEX upload_there ON upload (experiment_id, person_id, name) WHERE removed_at IS NULL;
CREATE INDEX upload_to_drop ON upload (id) WHERE removed_at IS NOT NULL AND dropped_at IS NULL;

-- What was there when a launch script's submission was made: that is what it finds.
CREATE TABLE submission_upload (
    submission_id bigint NOT NULL REFERENCES submission,
    upload_id     bigint NOT NULL REFERENCES upload,
    PRIMARY KEY (submission_id, upload_id)
);
CREATE INDEX submission_upload_upload ON submission_upload (upload_id);

-- migrate: rollback

DROP TABLE submission_upload;
DROP TABLE upload;
ALTER TABLE dataset DROP COLUMN submission_id;
