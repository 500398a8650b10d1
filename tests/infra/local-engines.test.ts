/** What `sst dev` starts: the panes' commands exist, for the servers and ports that its functions are told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localEnvironment } from '../../infra/local-environment.ts';
import { settingsOf } from '../../infra/settings.ts';
import { cacheNames, caches, databaseNames, databases } from './engines.ts';
import { Stack, variables } from './stack.ts';
import { enginesOf, resourcesOf } from './synthesized.ts';

const read = (file: string) => readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
const { cache, database } = settingsOf('anna');

test.each(['local', 'local-others'] as const)(
  '%s: the servers are those that the functions are told',
  async (variant) => {
    const chosen = enginesOf(variant);
    const told = variables(new Stack(await resourcesOf(variant), chosen), 'flush');
    const { engines, seed } = localEnvironment({
      cache: { ...cache, engine: chosen.cache },
      database: { ...database, engine: chosen.database },
    });
    expect(told).toMatchObject(engines);
    expect(told).toMatchObject(seed);
    expect(Object.keys(told).filter((name) => name.endsWith('SECRET_ARN'))).toEqual([]);
  },
);

test.each(databaseNames)('%s is started as the engine calls it, on its own port', (engine) => {
  const { driver, port } = databases[engine];
  const { engines } = localEnvironment({ cache, database: { ...database, engine } });
  expect(engines).toMatchObject({ DB_ENGINE: driver, DB_PORT: String(port) });
});

test.each(cacheNames)('%s is started with the server that has the queue', (engine) => {
  const { engines, seed } = localEnvironment({ cache: { ...cache, engine }, database });
  const { serverPrefix } = caches[engine];
  expect(engines).toMatchObject({ CACHE_ENGINE: engine, [`${serverPrefix}_PORT`]: '6379' });
  expect(seed).toMatchObject({ CACHE_HOST: 'localhost', [`${serverPrefix}_HOST`]: 'localhost' });
});

test('each pane runs a command of package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const commands = [...read('infra/local-engines.ts').matchAll(/'npm run ([\w:]+)'/g)].map(
    (match) => match[1],
  );
  expect(commands).toHaveLength(2);
  for (const command of commands) expect(scripts).toHaveProperty(command ?? '');
});
