/** What MySQL was asked, from its own log: texts with their values taken out, so that a value that became SQL shows. */
import type { Connection, RowDataPacket } from 'mysql2/promise';

export async function startStatementLog(db: Connection): Promise<void> {
  await db.query("SET GLOBAL log_output = 'TABLE'");
  await db.query('TRUNCATE TABLE mysql.general_log');
  await db.query('SET GLOBAL general_log = ON');
}

/** Ends the log and gives the shapes of the statements on all connections to `database` but this one. */
export async function endStatementLog(db: Connection, database: string): Promise<ReadonlySet<string>> {
  await db.query('SET GLOBAL general_log = OFF');
  const [rows] = await db.query<RowDataPacket[]>(
    `SELECT thread_id AS thread, command_type AS command, CONVERT(argument USING utf8mb4) AS text
     FROM mysql.general_log WHERE thread_id <> CONNECTION_ID() ORDER BY event_time`,
  );
  const ours = new Set<unknown>();
  const shapes = new Set<string>();
  for (const { thread, command, text } of rows) {
    if (command === 'Connect' && String(text).includes(` on ${database} `)) ours.add(thread);
    if (command === 'Query' && ours.has(thread)) shapes.add(shapeOf(String(text)));
  }
  return shapes;
}

/** A list of values has the shape of one value, a list of rows that of one row. */
export function shapeOf(sql: string): string {
  return sql
    .replace(/X?'(?:[^'\\]|\\[^]|'')*'/g, '?')
    .replace(/\b(?:NULL|true|false)\b/g, '?')
    .replace(/-?\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi, '?')
    .replace(/\s+/g, ' ')
    .replace(/\?(?:\s*,\s*\?)+/g, '?')
    .replace(/((?:ROW)?\(\?\))(?:\s*,\s*(?:ROW)?\(\?\))+/g, '$1');
}
