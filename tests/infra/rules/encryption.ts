/** What is encrypted, and what nobody may read. */
import { standalone } from '@afterwrite/functions/catalog';
import { functionNames, missing, type Rule, variables } from '../stack.ts';

export const encryption: readonly Rule[] = [
  {
    name: 'MySQL requires TLS and encrypts what it stores',
    check: (stack) => [
      ...missing(
        "MySQL's TLS requirement (require_secure_transport) is not ON",
        stack.parameter('require_secure_transport')?.value === 'ON',
      ),
      ...missing("MySQL's storage is not encrypted", stack.one('rds/instance').storageEncrypted === true),
      ...stack
        .all('rds/proxy')
        .flatMap(({ inputs }) => missing('the proxy takes calls without TLS', inputs.requireTls)),
      ...functionNames
        .filter((name) => !standalone.has(name))
        .flatMap((name) =>
          missing(
            `${name} does not ask for TLS`,
            ['DB', 'CACHE'].every((server) => variables(stack, name)[`${server}_TLS`] === 'true'),
          ),
        ),
    ],
    breaks: {
      'no TLS required': (stack) => (stack.parameter('require_secure_transport').value = 'OFF'),
      'storage in clear': (stack) => delete stack.one('rds/instance').storageEncrypted,
      'a function without TLS': (stack) => (variables(stack, 'get-flight').DB_TLS = 'false'),
    },
  },
  {
    name: 'Valkey requires TLS and a password, encrypts what it stores, and never evicts the queue',
    check: (stack) => {
      const valkey = stack.one('elasticache/replicationGroup');
      const { parameters } = stack.one('elasticache/parameterGroup') as {
        parameters: { name: string; value: string }[];
      };
      const policy = parameters.find(({ name }) => name === 'maxmemory-policy')?.value ?? 'unset';
      return [
        ...missing(
          'Valkey takes calls without TLS',
          valkey.transitEncryptionEnabled && valkey.transitEncryptionMode === 'required',
        ),
        ...missing('Valkey stores in clear', valkey.atRestEncryptionEnabled === true),
        ...missing('Valkey asks for no password', valkey.authToken),
        ...missing('Valkey is not in cluster mode', valkey.clusterMode === 'enabled'),
        ...missing(
          `maxmemory-policy ${policy} may evict the queue`,
          /^(noeviction|volatile-\w+)$/.test(policy),
        ),
      ];
    },
    breaks: {
      'TLS preferred only': (stack) =>
        (stack.one('elasticache/replicationGroup').transitEncryptionMode = 'preferred'),
      'storage in clear': (stack) =>
        (stack.one('elasticache/replicationGroup').atRestEncryptionEnabled = false),
      'no password': (stack) => delete stack.one('elasticache/replicationGroup').authToken,
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
            .filter(([key]) => !(type.includes('rds/instance') && key === 'password'))
            .filter(([key]) => !(type.includes('replicationGroup') && key === 'authToken'))
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
