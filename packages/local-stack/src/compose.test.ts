/**
 * What compose.yaml and the Dockerfile promise: nothing is reachable from another machine, and what runs our code can do
 * little else. Every rule is also shown a file that breaks it: one that holds for anything would guard nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

interface Service {
  command?: string[];
  depends_on?: Record<string, { condition: string; required: boolean }>;
  environment?: Record<string, string>;
  ports?: string[];
  healthcheck?: { test: string[] };
  volumes?: string[];
  profiles?: string[];
  tmpfs?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  user?: string;
  privileged?: boolean;
  read_only?: boolean;
  init?: boolean;
  stop_grace_period?: string;
  mem_limit?: string;
  pids_limit?: number;
}

interface Compose {
  version?: string;
  services: Record<'app' | (typeof CACHES | typeof DATABASES)[number], Service>;
}

/** Values of CACHE_ENGINE and DB_ENGINE, and a Redis for tests. */
const CACHES = ['valkey', 'redis', 'redis-7', 'memcached'] as const;
const DATABASES = ['mysql', 'mariadb', 'postgresql'] as const;
/** Words of the command, and the volume's place, by which each keeps what it acknowledged. */
const DURABLE = {
  valkey: ['--appendonly yes', '--maxmemory-policy noeviction', ':/data'],
  redis: ['--appendonly yes', '--maxmemory-policy noeviction', ':/data'],
  'redis-7': ['--appendonly yes', '--maxmemory-policy noeviction', ':/data'],
  mysql: ['--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1', ':/var/lib/mysql'],
  mariadb: ['--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1', '--log-bin=binlog', ':/var/lib/mysql'],
  postgresql: ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on', ':/var/lib/postgresql'],
} as const;

interface Rule {
  readonly name: string;
  readonly holds: (file: Compose) => boolean;
  readonly breaks: (file: Compose) => void;
}

function read(name: string): string {
  return readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
}

function all({ services }: Compose): Service[] {
  return Object.values(services);
}

const rules: readonly Rule[] = [
  {
    name: 'publishes on the loopback address only, and each service something',
    holds: (file) =>
      all(file).every(
        ({ ports = [] }) => ports.length > 0 && ports.every((port) => port.startsWith('127.0.0.1:')),
      ),
    breaks: ({ services }) => services.mysql.ports?.push('3306:3306'),
  },
  {
    name: 'asks every service how it is',
    holds: (file) => all(file).every(({ healthcheck }) => healthcheck?.test[0] === 'CMD'),
    breaks: ({ services }) => delete services.app.healthcheck,
  },
  {
    name: 'starts nothing but what a profile names, which is the service’s name',
    holds: ({ services }) =>
      Object.entries(services).every(([name, { profiles }]) => profiles?.join() === name) &&
      Object.keys(services).length === 1 + CACHES.length + DATABASES.length,
    breaks: ({ services }) => delete services.redis.profiles,
  },
  {
    name: 'has no version, which Compose 2 warns of',
    holds: (file) => file.version === undefined,
    breaks: (file) => (file.version = '3'),
  },
  ...Object.entries(DURABLE).map(([name, words]): Rule => {
    const service = ({ services }: Compose): Service => services[name as keyof typeof DURABLE];
    return {
      name: `keeps what ${name} acknowledged: settings on disk, a volume`,
      holds: (file) => {
        const { command = [], volumes = [] } = service(file);
        const text = [...command, ...volumes.map((volume) => volume.replace(/^[a-z0-9-]+-data/, ''))].join(
          ' ',
        );
        return words.every((word) => text.includes(word));
      },
      breaks: (file) => service(file).command?.splice(1),
    };
  }),
  {
    name: 'starts the app when the servers of its pair answer, whichever they are',
    holds: ({ services: { app } }) =>
      [...CACHES, ...DATABASES]
        .filter((name) => name !== 'redis-7')
        .every((name) => {
          const { condition, required } = app.depends_on?.[name] ?? {};
          return condition === 'service_healthy' && required === false;
        }),
    breaks: ({ services }) => delete services.app.depends_on?.postgresql,
  },
  {
    name: 'gives each database a queue of its own',
    holds: ({ services: { app } }) => app.environment?.CACHE_NAMESPACE === app.environment?.DB_ENGINE,
    breaks: ({ services }) => delete services.app.environment?.CACHE_NAMESPACE,
  },
  {
    name: 'tells the app the names of the services by the engines’ names',
    holds: ({ services: { app } }) =>
      app.environment?.DB_HOST === '${DB_ENGINE:-mysql}' &&
      app.environment.DB_ENGINE === app.environment.DB_HOST &&
      app.environment.CACHE_HOST === '${CACHE_ENGINE:-valkey}' &&
      app.environment.CACHE_ENGINE === app.environment.CACHE_HOST,
    breaks: ({ services }) => Object.assign(services.app.environment ?? {}, { DB_HOST: 'mysql' }),
  },
  {
    name: 'runs the app as somebody who is not root',
    holds: ({ services: { app } }) => !/^(|0|root)(:|$)/.test(app.user ?? ''),
    breaks: ({ services }) => (services.app.user = '0:0'),
  },
  {
    name: 'lets the app write to its log folder and nowhere else',
    holds: ({ services: { app } }) =>
      app.read_only === true &&
      !app.volumes &&
      app.tmpfs?.length === 1 &&
      /^\/app\/\.local:size=\d+m,/.test(app.tmpfs[0] ?? ''),
    breaks: ({ services }) => (services.app.read_only = false),
  },
  {
    name: 'gives the app no rights, and no way to any',
    holds: ({ services: { app } }) =>
      app.privileged === undefined &&
      app.cap_drop?.join() === 'ALL' &&
      !('cap_add' in app) &&
      app.security_opt?.join() === 'no-new-privileges:true',
    breaks: ({ services }) => Object.assign(services.app, { cap_add: ['SYS_ADMIN'] }),
  },
  {
    name: 'limits the memory and the processes of the app',
    holds: ({ services: { app } }) => /^\d+g$/.test(app.mem_limit ?? '') && (app.pids_limit ?? 0) > 0,
    breaks: ({ services }) => (services.app.pids_limit = -1),
  },
  {
    name: 'gives the app a first process that hands signals on, and more than the 30 s that its end may take',
    holds: ({ services: { app } }) =>
      app.init === true && Number(/^(\d+)s$/.exec(app.stop_grace_period ?? '')?.[1] ?? 0) > 30,
    breaks: ({ services }) => delete services.app.stop_grace_period,
  },
  {
    name: 'has the app listen on the port that is published, so that its ready line is true',
    holds: ({ services: { app } }) => {
      const port = app.environment?.PORT ?? '';
      return port !== '' && app.ports?.join() === `127.0.0.1:${port}:${port}`;
    },
    breaks: ({ services }) => (services.app.ports = ['127.0.0.1:8080:3000']),
  },
];

test.each(rules)('compose.yaml $name', ({ holds, breaks }) => {
  const file = parse(read('compose.yaml')) as Compose;
  expect(holds(file)).toBe(true);
  breaks(file);
  expect(holds(file)).toBe(false);
});

/** The last stage is what runs. */
function finalStage(dockerfile: string): string {
  return dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
}

test('the image is run by somebody else than root, from files that are root’s', () => {
  const stage = finalStage(read('Dockerfile'));
  expect(/^USER (.+)$/m.exec(stage)?.[1]).toBe('node');
  expect(stage).not.toMatch(/--chown|^RUN/m);
  expect(stage).toMatch(/^ENTRYPOINT \["node", "packages\/local-stack\/src\/cli\/start\.ts", "--built"\]$/m);
});

test('settings, and what was built here, stay out of the image', () => {
  const lines = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines[0]).toBe('*');
  expect(lines).toEqual(expect.arrayContaining(['**/.env*', '**/node_modules', '**/dist']));
  // A later line may take back an earlier one.
  const lastTaken = lines.findLastIndex((line) => line.startsWith('!'));
  expect(lines.indexOf('**/.env*')).toBeGreaterThan(lastTaken);
});

/** Sources of the image: what .dockerignore leaves of the folders that it lets in. */
function sourcesOf(folder: string): string[] {
  const files = readdirSync(new URL(`../../../${folder}`, import.meta.url), {
    recursive: true,
    encoding: 'utf8',
  });
  return files.filter(
    (file) => /\.(ts|tsx|mjs)$/.test(file) && !/(^|\/)(node_modules|dist|testing)\/|\.test\.ts$/.test(file),
  );
}

/** Packages that a source loads: `import type` loads none. */
function loadedBy(text: string): string[] {
  const imports = text.matchAll(
    /(?:^(?:import|export)(?! type)(?:[^;']*? from)? |\bimport\()'((?:node:|@[\w-]+\/)?[\w-]+)[^']*'/gm,
  );
  return [...imports].map(([, name = '']) => name);
}

test.each([
  ...readdirSync(new URL('../../', import.meta.url)).map((name) => `packages/${name}`),
  'functions',
])('the image has every package that %s loads: it leaves those of development out', (folder) => {
  const { dependencies = {}, name = '' } = JSON.parse(read(`${folder}/package.json`)) as {
    dependencies?: Record<string, string>;
    name?: string;
  };
  const loaded = sourcesOf(folder).flatMap((file) => loadedBy(read(`${folder}/${file}`)));
  expect(loaded.length).toBeGreaterThan(0);
  const missing = loaded.filter((each) => !(each in dependencies) && each !== name && !isBuiltin(each));
  expect([...new Set(missing)]).toEqual([]);
});

test('the image has the document that is a page of the console', () => {
  expect(read('.dockerignore').split('\n')).toContain('!docs/OPERATIONS.md');
});
