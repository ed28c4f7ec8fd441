-- experiments have links to what knows more of their campaigns, stages, submissions, jobs and datasets
-- depends: 0048_references

-- migrate: apply

ALTER TABLE experiment ADD COLUMN links jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(links) = 'array');

-- migrate: rollback

ALTER TABLE experiment DROP COLUMN links;
