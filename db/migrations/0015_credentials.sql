-- until when credentials hold, who renews them, and what came of that
-- depends: 0014_launch_queue

-- migrate: apply

-- `path` is relative to the experiment's folder of credentials; expires_at is what the file itself says where it says it.
ALTER TABLE credential
    ADD COLUMN given_expiry   timestamptz,                           -- what a person said, for files that don't say
    ADD COLUMN covers_jobs    boolean     NOT NULL DEFAULT false,    -- has to hold until the jobs' wall time is over
    ADD COLUMN problem        text        NOT NULL DEFAULT 'It was not looked at yet.', -- why it can't be used
    ADD COLUMN seen_at        timestamptz NOT NULL DEFAULT now(),    -- since when expires_at is this
    ADD COLUMN warned_for     timestamptz,                           -- the expires_at that was warned of
    ADD COLUMN looked_at      timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN renew_at       timestamptz,                           -- when the command is run next
    ADD COLUMN renewing_until timestamptz,                           -- the lease of the worker that runs it
    ADD COLUMN tries          int         NOT NULL DEFAULT 0,        -- runs that failed since it was renewed
    ADD COLUMN renewed_at     timestamptz,
    ADD COLUMN said           text        NOT NULL DEFAULT '' CHECK (length(said) <= 4000); -- what the command said last
CREATE INDEX credential_renewals ON credential (renew_at) WHERE renew_at IS NOT NULL;
CREATE INDEX login_setup_credential ON login_setup (credential_id) WHERE credential_id IS NOT NULL;

-- migrate: rollback
