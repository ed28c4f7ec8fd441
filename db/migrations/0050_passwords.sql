-- catalogs that want a password have one, as a credential
-- depends: 0049_links

-- migrate: apply

ALTER TYPE credential_kind ADD VALUE 'password';

-- migrate: rollback
