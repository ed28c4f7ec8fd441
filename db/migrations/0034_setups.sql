-- who may use which login setup, launch host, account, credential and batch option; variables that are never shown
-- depends: 0030_disks

-- migrate: apply

-- As whom scripts run on a local host, said by a service admin; by ssh: the accounts that admins let the experiment use.
ALTER TABLE launch_host
    ADD COLUMN account  text   NOT NULL DEFAULT '',
    ADD COLUMN accounts text[] NOT NULL DEFAULT '{}';

-- Of those, the ones that each role may use: patterns, set by the experiment's superusers.
CREATE TABLE allowed_account (
    launch_host_id bigint NOT NULL REFERENCES launch_host ON DELETE CASCADE,
    role           role   NOT NULL,
    accounts       text[] NOT NULL,
    PRIMARY KEY (launch_host_id, role)
);

ALTER TABLE login_setup ADD COLUMN shared_with role[] NOT NULL DEFAULT '{}'; -- besides the owning role
ALTER TABLE credential  ADD COLUMN owning_role role;
-- Whoever has no role any more keeps theirs for themselves.
UPDATE credential c
   SET owning_role = CASE WHEN p.is_admin OR m.role = 'superuser' THEN 'production' ELSE coalesce(m.role, 'analysis') END
  FROM person p LEFT JOIN membership m ON m.person_id = p.id
 WHERE p.id = c.owner_id AND (m.experiment_id IS NULL OR m.experiment_id = c.experiment_id);
UPDATE credential SET owning_role = 'analysis' WHERE owning_role IS NULL;
ALTER TABLE credential ALTER COLUMN owning_role SET NOT NULL;

-- Variables whose values are read for launches only: no row that is shown has a column of them.
CREATE TABLE login_setup_secret (
    login_setup_id bigint NOT NULL REFERENCES login_setup ON DELETE CASCADE,
    name           text   NOT NULL,
    value          text   NOT NULL,
    PRIMARY KEY (login_setup_id, name)
);

-- What an experiment may name at a batch system besides the deployment's own; set by service admins.
CREATE TABLE batch_allowance (
    experiment_id    bigint NOT NULL REFERENCES experiment,
    batch_system     text   NOT NULL,
    partitions       text[] NOT NULL DEFAULT '{}',
    accounts         text[] NOT NULL DEFAULT '{}', -- the first is for stages that name none
    qos              text[] NOT NULL DEFAULT '{}',
    accounting_group text   NOT NULL DEFAULT '',
    PRIMARY KEY (experiment_id, batch_system)
);

-- migrate: rollback
