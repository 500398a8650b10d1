/**
 * Tables and rows where LOAD DATA LOCAL INFILE might store something else than INSERT: defaults, triggers, types, and what no
 * column takes. Each `ddl` makes the table `t`.
 */
export interface LoadCase {
  readonly name: string;
  readonly ddl: readonly string[];
  readonly columns: readonly string[];
  readonly rows: (index: number) => unknown[];
  readonly count?: number;
  /** Where not all of the table is to be the same. */
  readonly look?: string;
  /** Where only one of them knows such a table. */
  readonly only?: 'mysql' | 'mariadb';
}

export const loadCase = (
  name: string,
  ddl: readonly string[],
  columns: string,
  rows: LoadCase['rows'],
  more: Pick<LoadCase, 'count' | 'look' | 'only'> = {},
): LoadCase => ({ name, ddl, columns: columns.split(/, ?/), rows, ...more });

export const loadCases: readonly LoadCase[] = [
  loadCase(
    'default UUID()',
    [
      'CREATE TABLE t (a INT, b VARCHAR(40) NOT NULL DEFAULT (UUID()), c DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))',
    ],
    'a',
    (i) => [i],
    { look: 'SELECT COUNT(DISTINCT b) d, MIN(c) > NOW() - INTERVAL 60 SECOND n FROM t' },
  ),
  loadCase(
    'default from another column',
    ['CREATE TABLE t (a INT, b INT NOT NULL DEFAULT (a * 2))'],
    'a',
    (i) => [i],
    { look: 'SELECT SUM(b) FROM t' },
  ),
  loadCase(
    'nullable omitted column with trigger',
    [
      'CREATE TABLE t (a INT, b INT NULL)',
      'CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.b = COALESCE(NEW.b, 7)',
    ],
    'a',
    (i) => [i],
    { look: 'SELECT MIN(b), MAX(b) FROM t' },
  ),
  loadCase(
    'with a BEFORE trigger, NULL at one row',
    [
      'CREATE TABLE t (a INT, b INT NOT NULL, c DATETIME NOT NULL, d VARCHAR(9) NOT NULL)',
      'CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a + 1',
    ],
    'a, b, c, d',
    (i) => (i === 77 ? [i, null, null, null] : [i, i, '2030-01-01 00:00:00', 'x']),
    { look: 'SELECT * FROM t WHERE a = 78' },
  ),
  loadCase(
    'duplicate key with BEFORE trigger',
    [
      'CREATE TABLE t (a INT PRIMARY KEY)',
      'CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a DIV 2',
    ],
    'a',
    (i) => [i],
  ),
  loadCase(
    'too long with BEFORE trigger',
    [
      'CREATE TABLE t (a INT, b VARCHAR(3))',
      'CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a DIV 2',
    ],
    'a, b',
    (i) => [i, 'toolong'],
  ),
  loadCase(
    'invisible column',
    ['CREATE TABLE t (a INT, b INT NOT NULL DEFAULT 5 INVISIBLE)'],
    'a',
    (i) => [i],
    {
      look: 'SELECT a, b FROM t LIMIT 3',
    },
  ),
  loadCase(
    'trigger fills a NULL of a NOT NULL column',
    [
      'CREATE TABLE t (a INT, b INT NOT NULL)',
      'CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.b = COALESCE(NEW.b, 7)',
    ],
    'a, b',
    (i) => [i, null],
  ),
  loadCase(
    'trigger fills an omitted NOT NULL column',
    [
      'CREATE TABLE t (a INT, b INT NOT NULL)',
      'CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.b = COALESCE(NEW.b, 7)',
    ],
    'a',
    (i) => [i],
  ),
  loadCase(
    'NULL to NOT NULL with a BEFORE trigger',
    [
      'CREATE TABLE t (a INT, b INT NOT NULL)',
      'CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a + 1',
    ],
    'a, b',
    (i) => [i, i === 77 ? null : i],
  ),
  loadCase(
    'NULL to NOT NULL text with a BEFORE trigger',
    [
      'CREATE TABLE t (a INT, b VARCHAR(9) NOT NULL)',
      'CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a + 1',
    ],
    'a, b',
    (i) => [i, i === 77 ? null : 'x'],
  ),
  loadCase(
    'too long with a BEFORE trigger that clears diagnostics',
    [
      'CREATE TABLE t (a INT, b VARCHAR(3))',
      'CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; SELECT 1 INTO @x; END',
    ],
    'a, b',
    (i) => [i, i === 77 ? 'toolong' : 'x'],
  ),
  loadCase(
    'too long with an AFTER trigger that inserts',
    [
      'CREATE TABLE t (a INT, b VARCHAR(3))',
      'CREATE TABLE other (a INT)',
      'CREATE TRIGGER tt AFTER INSERT ON t FOR EACH ROW INSERT INTO other VALUES (NEW.a)',
    ],
    'a, b',
    (i) => [i, i === 77 ? 'toolong' : 'x'],
  ),
  loadCase(
    'out of range with an AFTER trigger with handlers',
    [
      'CREATE TABLE t (a INT, b TINYINT)',
      'CREATE TABLE other (a INT PRIMARY KEY)',
      'CREATE TRIGGER tt AFTER INSERT ON t FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR 1062 BEGIN END; INSERT INTO other VALUES (1); END',
    ],
    'a, b',
    (i) => [i, i === 77 ? 999 : 1],
  ),
  loadCase(
    'foreign key fails on the last row only',
    ['CREATE TABLE t (a INT, CONSTRAINT FOREIGN KEY (a) REFERENCES widget (widget_id))'],
    'a',
    (i) => [i === 119 ? 99 : 1],
  ),
  loadCase(
    'CHAR with trailing spaces and PAD',
    ['CREATE TABLE t (a CHAR(4), b VARCHAR(4), UNIQUE (b))'],
    'a, b',
    (i) => ['x  ', String(i)],
  ),
  loadCase(
    'trigger sets NEW too long',
    [
      'CREATE TABLE t (a INT, c VARCHAR(3) NULL)',
      "CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.c = 'toolong'",
    ],
    'a',
    (i) => [i],
  ),
  loadCase(
    'trigger sets NEW too long, trigger made strict',
    [
      "SET sql_mode='STRICT_ALL_TABLES'",
      'CREATE TABLE t (a INT, c VARCHAR(3) NULL)',
      "CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW SET NEW.c = IF(NEW.a=77,'toolong','ok')",
    ],
    'a',
    (i) => [i],
  ),
  loadCase(
    'after trigger inserts duplicate elsewhere',
    [
      'CREATE TABLE t (a INT)',
      'CREATE TABLE other (a INT PRIMARY KEY)',
      'CREATE TRIGGER tt AFTER INSERT ON t FOR EACH ROW INSERT INTO other VALUES (NEW.a DIV 2)',
    ],
    'a',
    (i) => [i],
    { look: 'SELECT (SELECT COUNT(*) FROM t) t, (SELECT COUNT(*) FROM other) o' },
  ),
  loadCase(
    'after trigger truncates elsewhere',
    [
      "SET sql_mode='STRICT_ALL_TABLES'",
      'CREATE TABLE t (a INT)',
      'CREATE TABLE other (a TINYINT)',
      'CREATE TRIGGER tt AFTER INSERT ON t FOR EACH ROW INSERT INTO other VALUES (NEW.a * 10)',
    ],
    'a',
    (i) => [i],
    { look: 'SELECT (SELECT COUNT(*) FROM t) t, (SELECT MAX(a) FROM other) o' },
  ),
  loadCase(
    'after trigger truncates elsewhere, not strict trigger',
    [
      "SET sql_mode=''",
      'CREATE TABLE t (a INT)',
      'CREATE TABLE other (a TINYINT)',
      'CREATE TRIGGER tt AFTER INSERT ON t FOR EACH ROW INSERT INTO other VALUES (NEW.a * 10)',
    ],
    'a',
    (i) => [i],
    { look: 'SELECT (SELECT COUNT(*) FROM t) t, (SELECT MAX(a) FROM other) o' },
  ),
  loadCase(
    'trigger with local variable too long',
    [
      "SET sql_mode='STRICT_ALL_TABLES'",
      'CREATE TABLE t (a INT, c VARCHAR(9))',
      "CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW BEGIN DECLARE x VARCHAR(3); SET x = IF(NEW.a=77,'toolong','ok'); SET NEW.c = x; END",
    ],
    'a',
    (i) => [i],
  ),
  loadCase(
    'trigger signals',
    [
      'CREATE TABLE t (a INT)',
      "CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW BEGIN IF NEW.a = 77 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='no'; END IF; END",
    ],
    'a',
    (i) => [i],
  ),
  loadCase(
    'trigger signals a warning',
    [
      'CREATE TABLE t (a INT)',
      "CREATE TRIGGER tt BEFORE INSERT ON t FOR EACH ROW BEGIN IF NEW.a = 77 THEN SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT='hm'; END IF; END",
    ],
    'a',
    (i) => [i],
  ),
  loadCase('generated division by zero', ['CREATE TABLE t (a INT, g INT AS (10 DIV a) STORED)'], 'a', (i) => [
    i,
  ]),
  loadCase('no default', ['CREATE TABLE t (a INT, b INT NOT NULL)'], 'a', (i) => [i]),
  loadCase('no default enum', ["CREATE TABLE t (a INT, b ENUM('x','y') NOT NULL)"], 'a', (i) => [i]),
  loadCase('no default timestamp/geometry/json', ['CREATE TABLE t (a INT, b JSON NOT NULL)'], 'a', (i) => [
    i,
  ]),
  loadCase('no default datetime', ['CREATE TABLE t (a INT, b DATETIME NOT NULL)'], 'a', (i) => [i]),
  loadCase(
    'default expression',
    [
      "CREATE TABLE t (a INT, b VARCHAR(40) NOT NULL DEFAULT (CONCAT('x', 1+1)), c TIMESTAMP NULL DEFAULT '2020-01-01 00:00:00')",
    ],
    'a',
    (i) => [i],
  ),
  loadCase(
    'latin1 column, text outside',
    ['CREATE TABLE t (a INT, c VARCHAR(9) CHARACTER SET latin1)'],
    'a, c',
    (i) => [i, i === 77 ? 'Ж' : 'é'],
  ),
  loadCase(
    'ascii / utf8mb3 column, emoji',
    ['CREATE TABLE t (a INT, c VARCHAR(9) CHARACTER SET utf8mb3)'],
    'a, c',
    (i) => [i, i === 77 ? '\u{1F600}' : 'é'],
  ),
  loadCase('number to varchar 1e21', ['CREATE TABLE t (c VARCHAR(40))'], 'c', () => [1e21]),
  loadCase('number to varchar 1e-7', ['CREATE TABLE t (c VARCHAR(40))'], 'c', () => [1e-7]),
  loadCase('number to int 1.5', ['CREATE TABLE t (c INT)'], 'c', () => [2.5]),
  loadCase('number to decimal rounding', ['CREATE TABLE t (c DECIMAL(10,2))'], 'c', () => [1.005]),
  loadCase('number 1e21 to bigint', ['CREATE TABLE t (c BIGINT)'], 'c', () => [1e21]),
  loadCase('null to not null timestamp', ['CREATE TABLE t (c TIMESTAMP NOT NULL)'], 'c', () => [null], {
    // MariaDB takes it for now, which is another second for the other way.
    look: 'SELECT c > NOW() - INTERVAL 60 SECOND AS n FROM t',
  }),
  loadCase('empty text', ['CREATE TABLE t (c VARCHAR(9) NULL, d CHAR(3) NULL, e INT)'], 'c, d, e', (i) => [
    '',
    '',
    i,
  ]),
  loadCase(
    'fk',
    ['CREATE TABLE t (a INT, CONSTRAINT FOREIGN KEY (a) REFERENCES widget (widget_id))'],
    'a',
    (i) => [1 + (i % 8)],
  ),
  loadCase('check', ['CREATE TABLE t (a INT CHECK (a < 119))'], 'a', (i) => [i]),
  loadCase(
    'partition missing',
    ['CREATE TABLE t (a INT) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (100))'],
    'a',
    (i) => [i],
  ),
  loadCase(
    'first empty column in row; single empty column',
    ['CREATE TABLE t (c VARCHAR(9) NULL)'],
    'c',
    () => [''],
  ),
  loadCase(
    '65536 warnings',
    [
      'CREATE TABLE t (a TINYINT, b TINYINT, c TINYINT, d TINYINT, e TINYINT, f TINYINT, g TINYINT, h TINYINT)',
    ],
    'a,b,c,d,e,f,g,h',
    () => [300, 300, 300, 300, 300, 300, 300, 300],
    { count: 8192 },
  ),
  loadCase(
    '131072 warnings',
    [
      'CREATE TABLE t (a TINYINT, b TINYINT, c TINYINT, d TINYINT, e TINYINT, f TINYINT, g TINYINT, h TINYINT)',
    ],
    'a,b,c,d,e,f,g,h',
    () => [300, 300, 300, 300, 300, 300, 300, 300],
    { count: 16384 },
  ),
  loadCase('undefined where null was meant', ['CREATE TABLE t (a INT NULL, b INT)'], 'a, b', (i) => [
    undefined,
    i,
  ]),
  loadCase('true', ['CREATE TABLE t (a INT NULL)'], 'a', () => [true]),
  loadCase(
    'invisible column without a default',
    ['CREATE TABLE t (a INT, b INT NOT NULL INVISIBLE)'],
    'a',
    (i) => [i],
    { look: 'SELECT a, b FROM t', only: 'mysql' },
  ),
  loadCase('JSON', ['CREATE TABLE t (a INT, b JSON)'], 'a, b', (i) => [i, '{"b":"\\\\"}']),
  loadCase('a JSON that is none', ['CREATE TABLE t (a INT, b JSON)'], 'a, b', (i) => [
    i,
    i === 77 ? '{' : '{}',
  ]),
];
