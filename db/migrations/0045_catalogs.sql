-- catalogs outside of ours, and datasets that refer to what they have
-- depends: 0044_files_as_they_are

-- migrate: apply

CREATE TYPE catalog_kind AS ENUM ('rucio', 'metacat', 'sam');
CREATE TYPE dataset_policy AS ENUM ('once', 'growing');

-- The embedded catalog has no row: every experiment has it.
CREATE TABLE catalog (
    id             bigint       GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id  bigint       NOT NULL REFERENCES experiment,
    name           text         NOT NULL,               -- never changes: datasets show it
    kind           catalog_kind NOT NULL,
    url            text         NOT NULL,
    settings       jsonb        NOT NULL DEFAULT '{}',
    credential_id  bigint       REFERENCES credential,
    saved_at       timestamptz  NOT NULL DEFAULT now(),
    created_at     timestamptz  NOT NULL DEFAULT now(),
    answered_at    timestamptz,                         -- when it last did what it was asked
    troubled_since timestamptz,                         -- since when it does not
    trouble        text         NOT NULL DEFAULT '',
    UNIQUE (experiment_id, name)
);
CREATE INDEX catalog_credential ON catalog (credential_id);

-- What a dataset refers to: a definition or query of SAM, a DID of Rucio, a query of MetaCat.
ALTER TABLE dataset
    ADD COLUMN catalog_id    bigint         REFERENCES catalog, -- null: the embedded catalog
    ADD COLUMN definition    text           NOT NULL DEFAULT '',
    ADD COLUMN policy        dataset_policy NOT NULL DEFAULT 'once',
    ADD COLUMN list_at       timestamptz,               -- when it is to be listed (again)
    ADD COLUMN idle_listings int            NOT NULL DEFAULT 0, -- in a row that brought nothing
    ADD COLUMN listed_at     timestamptz,               -- when the newest complete listing was begun
    ADD COLUMN unknown_since timestamptz,               -- since when the catalog tells nothing of it
    ADD CONSTRAINT dataset_refers CHECK ((catalog_id IS NULL) = (definition = ''));
CREATE INDEX dataset_catalog ON dataset (catalog_id) WHERE catalog_id IS NOT NULL;
CREATE INDEX dataset_list_at ON dataset (list_at) WHERE list_at IS NOT NULL;

-- migrate: rollback
