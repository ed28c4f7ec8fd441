-- outputs may be made from other outputs of their job: a stage says those of which generation count and go on
-- depends: 0019_until_exhausted

-- migrate: apply

ALTER TABLE stage
    ADD COLUMN output_ancestor_depth int NOT NULL DEFAULT 1 CHECK (output_ancestor_depth BETWEEN 1 AND 10);
ALTER TABLE output_file
    ADD COLUMN made_from text[] NOT NULL DEFAULT '{}',  -- other outputs of the job, by name; `parents` are its inputs
    ADD COLUMN ancestors jsonb;                         -- of such: the inputs 2, 3, … steps above, by that number

-- migrate: rollback
