-- listings of datasets that refer to outside catalogs: what a catalog has at a time, complete or nothing
-- depends: 0045_catalogs

-- migrate: apply

CREATE TYPE listing_state AS ENUM ('requested', 'reading', 'publishing', 'waiting', 'published', 'failed');
CREATE TYPE difference_kind AS ENUM ('gone', 'differs', 'doubled');

CREATE TABLE dataset_listing (
    id            bigint        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset_id    bigint        NOT NULL REFERENCES dataset,
    state         listing_state NOT NULL DEFAULT 'requested',
    requested_at  timestamptz   NOT NULL DEFAULT now(),
    requested_by  bigint        REFERENCES person,      -- null: the schedule
    begun_at      timestamptz,                          -- when the reading began that counts
    ended_at      timestamptz,
    next_try_at   timestamptz   NOT NULL DEFAULT now(),
    attempts      int           NOT NULL DEFAULT 0,     -- in vain
    trouble       text          NOT NULL DEFAULT '',
    holder        text,
    held_until    timestamptz,
    claims        int           NOT NULL DEFAULT 0,     -- whose claim is older writes nothing any more
    told_before   bigint,                               -- how many files the catalog said there were, before
    told_after    bigint,                               -- and after
    told_bytes    bigint,
    told_revision text,
    is_unchanged  boolean       NOT NULL DEFAULT false, -- the catalog told the same as before: nothing was read
    listed        bigint        NOT NULL DEFAULT 0,
    placed_to     bigint        NOT NULL DEFAULT 0,     -- up to which of the listed files it is published
    fresh         bigint        NOT NULL DEFAULT 0,     -- files that the dataset had not
    gone          bigint        NOT NULL DEFAULT 0,
    differing     bigint        NOT NULL DEFAULT 0,
    doubled       bigint        NOT NULL DEFAULT 0,
    decided_by    bigint        REFERENCES person,      -- who has said that it is right, as small as it is
    reason        text          NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX dataset_listing_open ON dataset_listing (dataset_id)
    WHERE state IN ('requested', 'reading', 'publishing', 'waiting');
CREATE INDEX dataset_listing_of ON dataset_listing (dataset_id, id);
CREATE INDEX dataset_listing_due ON dataset_listing (next_try_at) WHERE state IN ('requested', 'reading', 'publishing');

-- What is being listed: nobody sees it before it is complete. The metadata are JSON, as text, since it is copied.
CREATE TABLE listed_file (
    listing_id bigint NOT NULL,
    place      bigint NOT NULL,
    name       text   NOT NULL,
    size       bigint NOT NULL,
    checksum   text,
    events     bigint,
    run        int,
    metadata   text   NOT NULL DEFAULT '{}',
    ordered    bigint                                   -- its place in the order in which it is published
);
CREATE INDEX listed_file_place ON listed_file (listing_id, ordered);
CREATE INDEX listed_file_name ON listed_file (listing_id, name);

-- What the newest complete listing has otherwise than the dataset. Ordinals never change: it is only noted.
CREATE TABLE listing_difference (
    dataset_id bigint          NOT NULL REFERENCES dataset,
    name       text            NOT NULL,
    kind       difference_kind NOT NULL,
    listing_id bigint          NOT NULL,                -- the newest that saw it
    since      timestamptz     NOT NULL DEFAULT now(),
    details    text            NOT NULL DEFAULT '',
    PRIMARY KEY (dataset_id, name)
);

-- migrate: rollback
