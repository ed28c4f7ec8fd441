-- recoveries of every type, by hand too, and what came of each
-- depends: 0009_discrepancies

-- migrate: apply

-- A recovery by hand has no place in the stage's list.
ALTER TABLE submission DROP CONSTRAINT submission_check, DROP CONSTRAINT submission_check1,
    ADD CONSTRAINT only_recoveries_have_a_place CHECK (origin_id IS NOT NULL OR recovery_position IS NULL),
    ADD CONSTRAINT places_have_rounds CHECK ((recovery_position IS NULL) = (round IS NULL)),
    ADD COLUMN asks text NOT NULL DEFAULT '';           -- what a person has to decide about its recovery

CREATE TYPE worth AS ENUM ('launch', 'nothing', 'too_little', 'too_much', 'not_launchable');

-- Each recovery that was thought of, and what came of it; those that found nothing too.
CREATE TABLE recovery_try (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin_id     bigint      NOT NULL REFERENCES submission,
    type          text        NOT NULL,
    position      int,                                  -- in the stage's list, with the next; null: by hand
    round         int,
    result        worth       NOT NULL,
    taken         bigint      NOT NULL,                 -- files, or of a generator units
    everything    bigint      NOT NULL,                 -- of so many
    submission_id bigint      REFERENCES submission,    -- the recovery that was launched
    person_id     bigint      REFERENCES person,        -- who did it by hand
    at            timestamptz NOT NULL DEFAULT now(),
    CHECK ((result = 'launch') = (submission_id IS NOT NULL)),
    CHECK ((position IS NULL) = (person_id IS NOT NULL))
);
CREATE INDEX recovery_try_origin ON recovery_try (origin_id, id);

-- migrate: rollback
