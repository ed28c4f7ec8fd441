-- a cluster of a launch script that appears after the script's end
-- depends: 0023_launch_scripts

-- migrate: apply

ALTER TYPE discrepancy_kind ADD VALUE 'late_cluster';

-- migrate: rollback
