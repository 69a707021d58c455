-- The vault's own database. Times are milliseconds since 1970 UTC.

-- people/vault
CREATE TABLE vault_key (
  id BIGINT PRIMARY KEY,
  kek INTEGER NOT NULL, -- the number of the wrapping key in the key file
  wrapped BYTEA NOT NULL
) /*clustered*/;
CREATE INDEX vault_key_kek ON vault_key (kek);
CREATE TABLE vault_state (name TEXT PRIMARY KEY, n BIGINT NOT NULL);
CREATE TABLE erasure ( -- the ledger: only ever added to
  seq BIGINT PRIMARY KEY,
  customer_id BIGINT NOT NULL UNIQUE, key_id BIGINT NOT NULL, ref_hash BYTEA NOT NULL,
  at BIGINT NOT NULL, reason TEXT NOT NULL
);
