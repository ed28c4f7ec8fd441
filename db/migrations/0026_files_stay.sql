-- a file that is located is never replaced: neither its row nor, by another output of its name, what it stands for
-- depends: 0023_launch_scripts

-- migrate: apply

ALTER TYPE output_state ADD VALUE 'refused';
ALTER TABLE submission ADD COLUMN outputs_refused bigint NOT NULL DEFAULT 0;

CREATE FUNCTION refuse_file_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'file % stays what and where it is', OLD.id USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER file_stays BEFORE UPDATE ON file FOR EACH ROW
    WHEN ((OLD.experiment_id, OLD.name, OLD.test_of, OLD.size, OLD.checksum, OLD.location)
          IS DISTINCT FROM (NEW.experiment_id, NEW.name, NEW.test_of, NEW.size, NEW.checksum, NEW.location))
    EXECUTE FUNCTION refuse_file_change();

-- migrate: rollback
