-- roles of the processes that may make no tables
-- depends: 0034_setups

-- migrate: apply

-- Called by workers, who own no table.
ALTER FUNCTION ensure_partitions(int) SECURITY DEFINER SET search_path = public, pg_temp;
REVOKE EXECUTE ON FUNCTION ensure_partitions(int) FROM PUBLIC;

-- migrate: rollback
