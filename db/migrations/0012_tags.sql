-- campaigns have tags, and those that never launched anything may go
-- depends: 0011_drafts

-- migrate: apply

ALTER TABLE campaign ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
CREATE INDEX campaign_tags ON campaign USING gin (tags);

-- Nothing changes a revision, and nothing takes away one that a submission may have been launched from.
CREATE FUNCTION refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM submission WHERE campaign_id = OLD.campaign_id) THEN
        RAISE EXCEPTION '% is immutable', TG_TABLE_NAME;
    END IF;
    RETURN OLD;
END $$;
DROP TRIGGER campaign_revision_is_immutable ON campaign_revision;
CREATE TRIGGER campaign_revision_is_immutable BEFORE UPDATE ON campaign_revision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER campaign_revision_stays BEFORE DELETE ON campaign_revision
    FOR EACH ROW EXECUTE FUNCTION refuse_deletion();

-- migrate: rollback
