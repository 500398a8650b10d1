-- What the engine keeps beside the user's tables. Keyed by namespace, entity and partition.

-- Epochs that ended, with the last seq that was dealt with in each.
CREATE TABLE IF NOT EXISTS afterwrite_retired_epochs (
  namespace VARCHAR(32) NOT NULL,
  entity VARCHAR(32) NOT NULL,
  partition_no SMALLINT UNSIGNED NOT NULL,
  epoch VARCHAR(32) NOT NULL,
  final_seq BIGINT UNSIGNED NOT NULL,
  retired_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (namespace, entity, partition_no, epoch)
) ENGINE = InnoDB DEFAULT CHARACTER SET = ascii COLLATE = ascii_bin;

-- Updates that the database cannot take, as their bytes. digest tells items apart that cannot be read.
-- redriven_at: the row was changed and audited, the cache was not told yet.
CREATE TABLE IF NOT EXISTS afterwrite_dead_letters (
  letter_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  namespace VARCHAR(32) NOT NULL,
  entity VARCHAR(32) NOT NULL,
  partition_no SMALLINT UNSIGNED NOT NULL,
  epoch VARCHAR(32) NOT NULL DEFAULT '',
  seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
  digest CHAR(64) NOT NULL DEFAULT '',
  entity_id VARCHAR(128) NULL,
  item LONGBLOB NOT NULL,
  fields JSON NOT NULL,
  superseded JSON NOT NULL,
  reason VARCHAR(16) NOT NULL,
  error_text VARCHAR(1000) CHARACTER SET utf8mb4 NOT NULL,
  parked_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  redriven_at DATETIME(6) NULL,
  PRIMARY KEY (letter_id),
  UNIQUE KEY item_once (namespace, entity, partition_no, epoch, seq, digest),
  KEY by_entity (namespace, entity, partition_no, entity_id),
  KEY by_position (namespace, entity, epoch, seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET = ascii COLLATE = ascii_bin;

-- What the buffer or this database may have lost, each named once. kind: BUFFER or STORE, whichever came back with less.
-- Accepted after (after_epoch, after_seq) and before (until_epoch, until_seq).
CREATE TABLE IF NOT EXISTS afterwrite_losses (
  loss_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  namespace VARCHAR(32) NOT NULL,
  entity VARCHAR(32) NOT NULL,
  partition_no SMALLINT UNSIGNED NOT NULL,
  kind VARCHAR(8) NOT NULL,
  after_epoch VARCHAR(32) NOT NULL,
  after_seq BIGINT UNSIGNED NOT NULL,
  until_epoch VARCHAR(32) NOT NULL,
  until_seq BIGINT UNSIGNED NOT NULL,
  noticed_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (loss_id),
  UNIQUE KEY named_once (namespace, entity, partition_no, kind, until_epoch, until_seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET = ascii COLLATE = ascii_bin;

-- A change of the number of partitions (`npm run repartition`). CLOSED: nobody may write, until `closed_until` at the
-- latest, when whoever finds it makes it LAPSED; COMMITTED: the new number holds, answers to idempotency keys are moved.
CREATE TABLE IF NOT EXISTS afterwrite_partition_changes (
  namespace VARCHAR(32) NOT NULL,
  entity VARCHAR(32) NOT NULL,
  run VARCHAR(32) NOT NULL,
  from_partitions SMALLINT UNSIGNED NOT NULL,
  to_partitions SMALLINT UNSIGNED NOT NULL,
  state VARCHAR(16) NOT NULL,
  closed_until DATETIME(6) NOT NULL,
  PRIMARY KEY (namespace, entity)
) ENGINE = InnoDB DEFAULT CHARACTER SET = ascii COLLATE = ascii_bin;

-- Last of all, because a store that finds it takes the other tables for made, also after a start that was cut off.
-- One row a partition, made before the first flush (two flushers that both find none would collide). Where there were once
-- more partitions, their rows stay: a flusher that still holds something of them must find it dealt with.
-- (epoch, seq) is the last update that the database has dealt with.
CREATE TABLE IF NOT EXISTS afterwrite_watermarks (
  namespace VARCHAR(32) NOT NULL,
  entity VARCHAR(32) NOT NULL,
  partition_no SMALLINT UNSIGNED NOT NULL,
  partitions SMALLINT UNSIGNED NOT NULL,
  store_id VARCHAR(32) NOT NULL,
  epoch VARCHAR(32) NOT NULL DEFAULT '',
  seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
  dead_letters INT UNSIGNED NOT NULL DEFAULT 0,
  moved_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (namespace, entity, partition_no)
) ENGINE = InnoDB DEFAULT CHARACTER SET = ascii COLLATE = ascii_bin;
