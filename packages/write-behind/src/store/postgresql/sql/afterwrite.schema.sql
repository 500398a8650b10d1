-- What the engine keeps beside the user's tables. Keyed by namespace, entity and partition. Names, epochs and ids are compared
-- byte by byte, whatever the database's own order of texts is.

-- Epochs that ended, with the last seq that was dealt with in each.
CREATE TABLE IF NOT EXISTS afterwrite_retired_epochs (
  namespace varchar(32) COLLATE "C" NOT NULL,
  entity varchar(32) COLLATE "C" NOT NULL,
  partition_no integer NOT NULL,
  epoch varchar(32) COLLATE "C" NOT NULL,
  final_seq bigint NOT NULL,
  retired_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (namespace, entity, partition_no, epoch)
);

-- Updates that the database cannot take, as their bytes. digest tells items apart that cannot be read.
-- fields, superseded: json and not jsonb, which refuses the character zero, and a field may have any name.
-- redriven_at: the row was changed and audited, the cache was not told yet.
CREATE TABLE IF NOT EXISTS afterwrite_dead_letters (
  letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace varchar(32) COLLATE "C" NOT NULL,
  entity varchar(32) COLLATE "C" NOT NULL,
  partition_no integer NOT NULL,
  epoch varchar(32) COLLATE "C" NOT NULL DEFAULT '',
  seq bigint NOT NULL DEFAULT 0,
  digest varchar(64) COLLATE "C" NOT NULL DEFAULT '',
  entity_id varchar(128) COLLATE "C",
  item bytea NOT NULL,
  fields json NOT NULL,
  superseded json NOT NULL,
  reason varchar(16) COLLATE "C" NOT NULL,
  error_text varchar(1000) NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  redriven_at timestamptz,
  CONSTRAINT afterwrite_item_once UNIQUE (namespace, entity, partition_no, epoch, seq, digest)
);

CREATE INDEX IF NOT EXISTS afterwrite_letters_by_entity
  ON afterwrite_dead_letters (namespace, entity, partition_no, entity_id, letter_id);

CREATE INDEX IF NOT EXISTS afterwrite_letters_by_position ON afterwrite_dead_letters (namespace, entity, epoch, seq);

-- What the buffer or this database may have lost, each named once. kind: BUFFER or STORE, whichever came back with less.
-- Accepted after (after_epoch, after_seq) and before (until_epoch, until_seq).
CREATE TABLE IF NOT EXISTS afterwrite_losses (
  loss_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace varchar(32) COLLATE "C" NOT NULL,
  entity varchar(32) COLLATE "C" NOT NULL,
  partition_no integer NOT NULL,
  kind varchar(8) COLLATE "C" NOT NULL,
  after_epoch varchar(32) COLLATE "C" NOT NULL,
  after_seq bigint NOT NULL,
  until_epoch varchar(32) COLLATE "C" NOT NULL,
  until_seq bigint NOT NULL,
  noticed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT afterwrite_named_once UNIQUE (namespace, entity, partition_no, kind, until_epoch, until_seq)
);

-- A change of the number of partitions (`npm run repartition`). CLOSED: nobody may write, until `closed_until` at the
-- latest, when whoever finds it makes it LAPSED; COMMITTED: the new number holds, answers to idempotency keys are moved.
CREATE TABLE IF NOT EXISTS afterwrite_partition_changes (
  namespace varchar(32) COLLATE "C" NOT NULL,
  entity varchar(32) COLLATE "C" NOT NULL,
  run varchar(32) COLLATE "C" NOT NULL,
  from_partitions integer NOT NULL,
  to_partitions integer NOT NULL,
  state varchar(16) COLLATE "C" NOT NULL,
  closed_until timestamptz NOT NULL,
  PRIMARY KEY (namespace, entity)
);

-- Last of all, because a store that finds it takes the other tables for made, also after a start that was cut off.
-- One row a partition, made before the first flush. Where there were once more partitions, their rows stay: a flusher that
-- still holds something of them must find it dealt with. (epoch, seq) is the last update that the database has dealt with.
-- Each flush leaves an old version of a row behind: with room on its page no index is touched.
CREATE TABLE IF NOT EXISTS afterwrite_watermarks (
  namespace varchar(32) COLLATE "C" NOT NULL,
  entity varchar(32) COLLATE "C" NOT NULL,
  partition_no integer NOT NULL,
  partitions integer NOT NULL,
  store_id varchar(32) COLLATE "C" NOT NULL,
  epoch varchar(32) COLLATE "C" NOT NULL DEFAULT '',
  seq bigint NOT NULL DEFAULT 0,
  dead_letters integer NOT NULL DEFAULT 0,
  moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (namespace, entity, partition_no)
) WITH (fillfactor = 50);
