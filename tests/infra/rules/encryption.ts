/** What is encrypted, and what nobody may read. */
import { standalone } from '@afterwrite/functions/catalog';
import { functionNames, missing, type Rule, variables } from '../stack.ts';

/** AWS is told it once, and shows it to nobody. */
const TAKES_A_PASSWORD: ReadonlySet<string> = new Set([
  'rds/instance password',
  'rds/cluster masterPassword',
  'elasticache/replicationGroup authToken',
]);

export const encryption: readonly Rule[] = [
  {
    name: 'the database requires TLS and encrypts what it stores',
    check: (stack) => {
      const { tls } = stack.expected.database;
      const servers = new Set(['DB', 'CACHE', stack.expected.cache.serverPrefix]);
      return [
        ...missing(
          `${tls.name} is not ${tls.value}: calls without TLS are taken`,
          stack.parameter(tls.name)?.value === tls.value,
        ),
        ...missing("the database's storage is not encrypted", stack.database.storageEncrypted === true),
        ...stack
          .all('rds/proxy')
          .flatMap(({ inputs }) => missing('the proxy takes calls without TLS', inputs.requireTls)),
        ...functionNames
          .filter((name) => !standalone.has(name))
          .flatMap((name) =>
            missing(
              `${name} does not ask for TLS`,
              [...servers].every((server) => variables(stack, name)[`${server}_TLS`] === 'true'),
            ),
          ),
      ];
    },
    breaks: {
      'no TLS required': (stack) => (stack.parameter(stack.expected.database.tls.name).value = '0'),
      'storage in clear': (stack) => delete stack.database.storageEncrypted,
      'a function without TLS': (stack) => (variables(stack, 'get-flight').DB_TLS = 'false'),
      'a cache without TLS': (stack) => delete variables(stack, 'get-flight').CACHE_TLS,
    },
  },
  {
    name: 'memcached takes calls with TLS only, in a version that can',
    isFor: ({ cache }) => cache === 'memcached',
    check: (stack) => {
      const { engine, engineVersion, transitEncryptionEnabled, port } = stack.one('elasticache/cluster');
      const [, patch = 0] = /^1\.6\.(\d+)$/.exec(engineVersion) ?? [];
      return [
        ...missing(`it is ${engine} on port ${port}`, engine === 'memcached' && port === 11211),
        ...missing(`memcached ${engineVersion} has no TLS`, Number(patch) >= 12),
        ...missing('memcached takes calls without TLS', transitEncryptionEnabled === true),
      ];
    },
    breaks: {
      'no TLS': (stack) => delete stack.one('elasticache/cluster').transitEncryptionEnabled,
      'an old version': (stack) => (stack.one('elasticache/cluster').engineVersion = '1.6.6'),
    },
  },
  {
    name: "the queue's server requires TLS and a password, encrypts what it stores, and never evicts the queue",
    check: (stack) => {
      const server = stack.queueServer;
      const expected = stack.expected.cache;
      const group = stack.one('elasticache/parameterGroup') as { family: string };
      const { parameters } = stack.one('elasticache/parameterGroup') as {
        parameters: { name: string; value: string }[];
      };
      const policy = parameters.find(({ name }) => name === 'maxmemory-policy')?.value ?? 'unset';
      return [
        ...missing(
          `it is ${server.engine} ${server.engineVersion} with parameters of ${group.family}`,
          server.engine === expected.server.engine &&
            server.engineVersion === expected.server.engineVersion &&
            group.family === expected.family,
        ),
        ...missing(
          'it takes calls without TLS',
          server.transitEncryptionEnabled && server.transitEncryptionMode === 'required',
        ),
        ...missing('it stores in clear', server.atRestEncryptionEnabled === true),
        ...missing('it asks for no password', server.authToken),
        ...missing('it is not in cluster mode', server.clusterMode === 'enabled'),
        ...missing(
          `maxmemory-policy ${policy} may evict the queue`,
          /^(noeviction|volatile-\w+)$/.test(policy),
        ),
      ];
    },
    breaks: {
      'TLS preferred only': (stack) => (stack.queueServer.transitEncryptionMode = 'preferred'),
      'storage in clear': (stack) => (stack.queueServer.atRestEncryptionEnabled = false),
      'no password': (stack) => delete stack.queueServer.authToken,
      'another engine': (stack) => (stack.queueServer.engine = 'memcached'),
      "another version's parameters": (stack) =>
        (stack.one('elasticache/parameterGroup').family = 'redis6.x'),
      'eviction of everything': (stack) =>
        (stack.one('elasticache/parameterGroup').parameters = [
          { name: 'maxmemory-policy', value: 'allkeys-lru' },
        ]),
    },
  },
  {
    name: 'no secret stands in clear, and what is kept of failures is encrypted',
    check: (stack) => [
      ...stack.resources
        .filter(({ type }) => !/secretVersion|^random:/.test(type))
        .flatMap(({ type, name, inputs }) =>
          Object.entries(inputs)
            .filter(([key]) => !TAKES_A_PASSWORD.has(`${type.split(':')[1]} ${key}`))
            .filter(([, value]) => JSON.stringify(value).includes('made-up-secret'))
            .map(([key]) => `${name} shows a secret in ${key}`),
        ),
      ...stack
        .all('sqs/queue')
        .flatMap(({ name, inputs }) =>
          missing(`${name} stores in clear`, inputs.sqsManagedSseEnabled === true),
        ),
    ],
    breaks: {
      'a password in a variable': (stack) =>
        (variables(stack, 'flush').DB_PASSWORD = 'made-up-secret-DatabasePassword'),
      'a queue in clear': (stack) => delete stack.all('sqs/queue')[0]!.inputs.sqsManagedSseEnabled,
    },
  },
];
