-- What a user of the engine needs on its tables, and nothing else; run by one who may grant, in the database, after
-- afterwrite.schema.sql. Without the right to create tables it makes none; INSERT on the watermarks is for a namespace's
-- first use. Columns that count by themselves need no right of their own. docs/OPERATIONS.md says how to apply it.
GRANT SELECT, INSERT, UPDATE ON afterwrite_watermarks TO afterwrite_app;
GRANT SELECT, INSERT ON afterwrite_retired_epochs TO afterwrite_app;
GRANT SELECT, INSERT ON afterwrite_losses TO afterwrite_app;
GRANT SELECT, UPDATE ON afterwrite_partition_changes TO afterwrite_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON afterwrite_dead_letters TO afterwrite_app;
