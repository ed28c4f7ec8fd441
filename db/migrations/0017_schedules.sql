-- what becomes of missed turns, and whether a schedule ends with its work
-- depends: 0016_deadlines

-- migrate: apply

CREATE TYPE catch_up AS ENUM ('once', 'all', 'skip');
ALTER TABLE schedule
    ADD COLUMN catch_up        catch_up NOT NULL DEFAULT 'once',
    ADD COLUMN until_exhausted boolean  NOT NULL DEFAULT true;  -- cleared when there are no more slices

-- migrate: rollback
