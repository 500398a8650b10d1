/** What `sst dev` starts: the panes' commands exist, on the ports that its functions are told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Stack, variables } from './stack.ts';
import { resourcesOf } from './synthesized.ts';

const read = (file: string) => readFileSync(join(import.meta.dirname, '../..', file), 'utf8');

test('the servers of this machine are on the ports that the functions are told', async () => {
  const told = variables(new Stack(await resourcesOf('local')), 'flush');
  for (const name of ['CACHE_PORT', 'DB_PORT']) {
    const [, port] = new RegExp(`${name}: '(\\d+)'`).exec(read('infra/local-engines.ts')) ?? [];
    expect(port).toBe(told[name]);
  }
});

test('each pane runs a command of package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const commands = [...read('infra/local-engines.ts').matchAll(/'npm run ([\w:]+)'/g)].map(
    (match) => match[1],
  );
  expect(commands).toHaveLength(2);
  for (const command of commands) expect(scripts).toHaveProperty(command ?? '');
});
