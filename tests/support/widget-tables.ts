/** The widgets of `WidgetWorld` in each database: tables, a trigger that refuses, the mapping. */
import type { DatabaseEngine, FieldValues, SqlMapping } from '@afterwrite/write-behind';

export const FIELDS = ['name', 'size', 'note'] as const;
export type Field = (typeof FIELDS)[number];

const COLUMNS = `widget_id, ${FIELDS.join(', ')}`;
const REFUSED = 'refused until the cause is mended';

/** `texts`: the statements, with values as the driver takes them. */
function mappingOf(texts: Record<'load' | 'lock' | 'update', string>): SqlMapping {
  return {
    loadSql: texts.load,
    lockSql: texts.lock,
    idValue: Number,
    rowId: (row) => String(row.widget_id),
    toValue: (row) => ({ ...row }) as FieldValues,
    change: (row, changes) => ({ ...row, ...changes }),
    async write({ insert, run }, changes) {
      const log = changes.map(({ update }) => [update.comment]);
      await insert('widget_log', ['uid'], log);
      for (const row of new Map(changes.map(({ update, after }) => [update.id, after])).values()) {
        const { widget_id: id, name, size, note } = row;
        await run(texts.update, [name, size, note, id]);
      }
    },
  };
}

interface WidgetTables {
  readonly tables: readonly string[];
  readonly mapping: SqlMapping;
}

const mysql: WidgetTables = {
  tables: [
    'CREATE TABLE widget (widget_id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, size INT NOT NULL, note VARCHAR(100))',
    'CREATE TABLE widget_log (id BIGINT AUTO_INCREMENT PRIMARY KEY, uid VARCHAR(20) NOT NULL)',
    'CREATE TABLE cause (broken INT NOT NULL)',
    `CREATE TRIGGER refuse BEFORE INSERT ON widget_log FOR EACH ROW
     BEGIN
       IF NEW.uid LIKE 'bad%' AND (SELECT MAX(broken) FROM cause) = 1 THEN
         SIGNAL SQLSTATE '23000' SET MESSAGE_TEXT = '${REFUSED}';
       END IF;
     END`,
  ],
  mapping: mappingOf({
    load: `SELECT ${COLUMNS} FROM widget WHERE widget_id = ?`,
    lock: `SELECT ${COLUMNS} FROM widget WHERE widget_id IN (?) ORDER BY widget_id FOR UPDATE`,
    update: 'UPDATE widget SET name = ?, size = ?, note = ? WHERE widget_id = ?',
  }),
};

const postgresql: WidgetTables = {
  tables: [
    'CREATE TABLE widget (widget_id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, size INT NOT NULL, note VARCHAR(100))',
    'CREATE TABLE widget_log (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, uid VARCHAR(20) NOT NULL)',
    'CREATE TABLE cause (broken INT NOT NULL)',
    // As its owner: the engine's user may not look into `cause`.
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
     BEGIN
       IF NEW.uid LIKE 'bad%' AND (SELECT MAX(broken) FROM cause) = 1 THEN
         RAISE EXCEPTION USING ERRCODE = '23000', MESSAGE = '${REFUSED}';
       END IF;
       RETURN NEW;
     END $$`,
    'CREATE TRIGGER refuse BEFORE INSERT ON widget_log FOR EACH ROW EXECUTE FUNCTION refuse()',
  ],
  mapping: mappingOf({
    load: `SELECT ${COLUMNS} FROM widget WHERE widget_id = $1`,
    lock: `SELECT ${COLUMNS} FROM widget WHERE widget_id = ANY ($1::bigint[]) ORDER BY widget_id FOR NO KEY UPDATE`,
    update: 'UPDATE widget SET name = $1, size = $2, note = $3 WHERE widget_id = $4',
  }),
};

export const widgetTables: Readonly<Record<DatabaseEngine, WidgetTables>> = {
  mysql,
  mariadb: mysql,
  postgresql,
};

export const RIGHTS = ['SELECT, UPDATE ON widget', 'INSERT ON widget_log'];

/** What a run leaves behind, in the order in which it can be removed, and what the next one starts from. */
export const RESET = [
  'DELETE FROM widget_log',
  'DELETE FROM afterwrite_dead_letters',
  'DELETE FROM afterwrite_retired_epochs',
  'DELETE FROM afterwrite_losses',
  "UPDATE afterwrite_watermarks SET epoch = '', seq = 0, dead_letters = 0",
  "UPDATE widget SET name = 'first', size = 0, note = NULL",
  'UPDATE cause SET broken = 1',
];
