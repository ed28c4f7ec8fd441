-- stages that join what several stages upstream make
-- depends: 0012_tags

-- migrate: apply

ALTER TYPE trigger_kind ADD VALUE 'join';

-- A located submission of a stage upstream, with what it belongs to, and how many of that stage came with it before.
-- Both tables are written under the lock of the dataset that the joining stage (or its tests) works on.
CREATE TABLE join_arrival (
    stage_id      bigint  NOT NULL REFERENCES stage,      -- that joins
    is_test       boolean NOT NULL,
    dependency_id bigint  NOT NULL REFERENCES dependency,
    origin_id     bigint  NOT NULL REFERENCES submission,
    key           text    NOT NULL,
    turn          int     NOT NULL,
    PRIMARY KEY (dependency_id, origin_id),
    CONSTRAINT one_of_each_parent UNIQUE (stage_id, is_test, key, turn, dependency_id)
);

-- What is complete: one arrival of every stage upstream. The cursor of the joining stage counts places.
CREATE TABLE joined (
    stage_id bigint  NOT NULL REFERENCES stage,
    is_test  boolean NOT NULL,
    place    bigint  NOT NULL,
    key      text    NOT NULL,
    turn     int     NOT NULL,
    PRIMARY KEY (stage_id, is_test, place),
    CONSTRAINT joined_once UNIQUE (stage_id, is_test, key, turn)
);

-- migrate: rollback
