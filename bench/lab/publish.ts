/** Puts the figures where people read them: the tables between the marks `bench:…` in README.md and docs/PATTERNS.md. */
import { fileURLToPath } from 'node:url';
import { fillBlock, markdownTable, type Report, rowsOf, targetsTable } from './report.ts';

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export async function publish(report: Report): Promise<void> {
  const { machine, isQuick, sections } = report;
  const engines = `MySQL ${machine['mysql version'] ?? '?'}, Valkey ${machine['valkey version'] ?? '?'}, Node ${machine.node ?? '?'}`;
  const made = `${machine.date ?? ''}, \`npm run bench${isQuick ? ' -- --quick' : ''}\` on ${machine.processor ?? '?'}, with ${engines}`;
  const said = `Made on ${made}; everything runs on the same cores.`;
  await fillBlock(fromRoot('README.md'), 'targets', `${said}\n\n${targetsTable(rowsOf(report))}`);
  const patterns = sections
    .find(({ section }) => section.name === 'update')
    ?.result.tables.find(({ title }) => title === PATTERNS);
  if (!patterns) throw new Error(`The section update has no table ${PATTERNS}`);
  await fillBlock(fromRoot('docs/PATTERNS.md'), 'patterns', `${said}\n\n${markdownTable(patterns)}`);
}

/** Title of the table that docs/PATTERNS.md shows. */
export const PATTERNS = 'The three patterns';
