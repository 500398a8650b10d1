/** What a database must be set to, whichever one was chosen. */
import { OF_CLUSTER } from '../engines.ts';
import { type Findings, missing, type Rule, type Stack } from '../stack.ts';

/** In a group where AWS looks for it, and applied when it may be. */
function placed(stack: Stack): Findings {
  const { isCluster, atRestart } = stack.expected.database;
  const groups = [
    { isOfCluster: false, groups: stack.all('rds/parameterGroup') },
    { isOfCluster: true, groups: stack.all('rds/clusterParameterGroup') },
  ];
  return groups.flatMap(({ isOfCluster, groups: found }) =>
    found.flatMap(({ inputs }) =>
      (inputs.parameters as { name: string; applyMethod: string }[]).flatMap(({ name, applyMethod }) => [
        ...missing(
          `${name} is in the group of ${isOfCluster ? 'the cluster' : 'an instance'}`,
          !isCluster || isOfCluster || !OF_CLUSTER.has(name),
        ),
        ...missing(
          `${name} is applied as ${applyMethod}`,
          applyMethod === (atRestart.includes(name) ? 'pending-reboot' : 'immediate'),
        ),
      ]),
    ),
  );
}

/** The first that must be set: to try what becomes of the rule without it. */
function spoil(stack: Stack, change: (parameters: any[], index: number) => void): void {
  const [name] = Object.keys(stack.expected.database.parameters);
  for (const { parameters } of stack.parameterGroups) {
    const index = parameters.findIndex((each: { name: string }) => each.name === name);
    if (index >= 0) change(parameters, index);
  }
}

export const database: readonly Rule[] = [
  {
    name: 'the database is the one that was chosen, and its parameters are those of its version',
    check: (stack) => {
      const { engine, version, family, isCluster } = stack.expected.database;
      return [
        ...[stack.database, ...stack.databaseInstances].flatMap((found) =>
          missing(
            `it is ${found.engine} ${found.engineVersion}`,
            found.engine === engine && found.engineVersion === version,
          ),
        ),
        ...missing(
          'it has no parameters of its own',
          stack.parameterGroups.length === (isCluster ? 2 : 1) &&
            stack.databaseInstances.every((each) => each.parameterGroupName ?? each.dbParameterGroupName) &&
            (!isCluster || stack.database.dbClusterParameterGroupName),
        ),
        ...stack.parameterGroups.flatMap((group) =>
          missing(`parameters of ${group.family}`, group.family === family),
        ),
      ];
    },
    breaks: {
      'another version': (stack) => (stack.database.engineVersion = '5.7'),
      'another engine': (stack) => (stack.databaseInstances.at(-1).engine = 'sqlserver'),
      "another version's parameters": (stack) => (stack.parameterGroups.at(-1).family = 'mysql5.7'),
      'default parameters': (stack) => {
        delete stack.databaseInstances[0].parameterGroupName;
        delete stack.databaseInstances[0].dbParameterGroupName;
      },
    },
  },
  {
    name: 'a commit is on disk when it is answered, texts are Unicode, times UTC, and a flush may load in bulk',
    check: (stack) => {
      const { parameters, fixed } = stack.expected.database;
      return [
        ...Object.entries(parameters).flatMap(([name, value]) =>
          missing(`${name} is not ${value}`, stack.parameter(name)?.value === value),
        ),
        ...fixed.flatMap((name) => missing(`AWS refuses ${name}`, !stack.parameter(name))),
      ];
    },
    breaks: {
      'another value': (stack) => spoil(stack, (all, index) => (all[index].value = '0')),
      'a parameter fewer': (stack) => spoil(stack, (all, index) => all.splice(index, 1)),
    },
  },
  {
    name: 'AWS takes each parameter where it is named',
    check: placed,
    breaks: {
      'the wrong moment': (stack) => (stack.parameter('max_connections').applyMethod = 'at-once'),
    },
  },
  {
    name: "a cluster's parameters are not named in its instances' group",
    isFor: ({ database: name }) => name.startsWith('aurora-'),
    check: placed,
    breaks: {
      'TLS in the wrong group': (stack) =>
        stack
          .one('rds/parameterGroup')
          .parameters.push({ ...stack.parameter(stack.expected.database.tls.name) }),
    },
  },
  {
    name: 'what the database logs is kept outside of it',
    check: (stack) => {
      const { enabledCloudwatchLogsExports: found = [] } = stack.database;
      const { logs } = stack.expected.database;
      return missing(`logs: ${String(found)}, not ${logs.join()}`, found.join() === logs.join());
    },
    breaks: { 'no logs': (stack) => delete stack.database.enabledCloudwatchLogsExports },
  },
];
