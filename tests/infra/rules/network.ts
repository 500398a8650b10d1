/** Who reaches whom. */
import { standalone } from '@afterwrite/functions/catalog';
import type { Engines } from '../engines.ts';
import { functionNames, missing, type Rule, type Stack } from '../stack.ts';

/** `FunctionsGroup->CacheGroup:6379`. */
function allowed(stack: Stack): string[] {
  const rule = (from: string, to: string, { fromPort, toPort, ipProtocol }: any) =>
    `${from.replace('-id', '')}->${to.replace('-id', '')}:${ipProtocol === 'tcp' && fromPort === toPort ? fromPort : 'all'}`;
  const outside = (inputs: any) =>
    inputs.referencedSecurityGroupId ?? inputs.cidrIpv4 ?? inputs.cidrIpv6 ?? '?';
  return [
    ...stack
      .all('vpc/securityGroupIngressRule')
      .map(({ inputs }) => `in ${rule(outside(inputs), inputs.securityGroupId, inputs)}`),
    ...stack
      .all('vpc/securityGroupEgressRule')
      .map(({ inputs }) => `out ${rule(inputs.securityGroupId, outside(inputs), inputs)}`),
  ];
}

const hasMemcached = ({ cache }: Engines) => cache === 'memcached';
const hasProxy = (stack: Stack) => stack.all('rds/proxy').length > 0;

function expectedRules(stack: Stack): string[] {
  const { port } = stack.expected.database;
  const pairs = [
    'FunctionsGroup->CacheGroup:6379',
    ...(hasMemcached(stack.engines) ? ['FunctionsGroup->MemcachedGroup:11211'] : []),
    'FunctionsGroup->EndpointsGroup:443',
    ...(hasProxy(stack)
      ? [`FunctionsGroup->ProxyGroup:${port}`, `ProxyGroup->DatabaseGroup:${port}`]
      : [`FunctionsGroup->DatabaseGroup:${port}`]),
  ];
  return pairs.flatMap((pair) => [`in ${pair}`, `out ${pair}`]);
}

export const reachability: readonly Rule[] = [
  {
    name: 'nothing is publicly reachable',
    check: (stack) => [
      ...['internetGateway', 'natGateway', 'egressOnlyInternetGateway', 'eip', 'instance', 'route'].flatMap(
        (type) =>
          stack
            .all(`ec2/${type}`)
            .map(({ name }) => `${name} (${type}) is a way between the network and the internet`),
      ),
      ...stack
        .all('ec2/subnet')
        .flatMap(({ name, inputs }) =>
          missing(`${name} gives public addresses`, inputs.mapPublicIpOnLaunch === false),
        ),
      ...stack
        .all('ec2/routeTable')
        .flatMap(({ name, inputs }) =>
          missing(`${name} has routes out of the network`, !inputs.routes?.length),
        ),
      ...stack.databaseInstances.flatMap(({ publiclyAccessible }) =>
        missing('the database is publicly accessible', publiclyAccessible === false),
      ),
      ...stack.all('lambda/functionUrl').map(({ name }) => `${name} is a public address of a function`),
      ...stack
        .all('lambda/permission')
        .filter(({ inputs }) => inputs.principal !== 'apigateway.amazonaws.com' || !inputs.sourceArn)
        .map(({ name, inputs }) => `${name} lets ${String(inputs.principal)} call a function`),
    ],
    breaks: {
      'an internet gateway': (stack) => stack.add('ec2/internetGateway', 'Gateway', {}),
      'public addresses': (stack) => (stack.one('ec2/subnet', 'NetworkSubnet1').mapPublicIpOnLaunch = true),
      'a public database': (stack) => (stack.databaseInstances.at(-1).publiclyAccessible = true),
      'a function URL': (stack) => stack.add('lambda/functionUrl', 'Url', {}),
      'a permission for everybody': (stack) => (stack.all('lambda/permission')[0]!.inputs.principal = '*'),
    },
  },
  {
    name: 'security groups let in and out what is needed, and nothing else',
    check: (stack) => {
      const [found, expected] = [allowed(stack), expectedRules(stack)];
      const defaults = stack.one('ec2/defaultSecurityGroup');
      return [
        ...expected
          .filter((rule) => !found.includes(rule))
          .map((rule) => `the security group rule ${rule} is missing`),
        ...found
          .filter((rule) => !expected.includes(rule))
          .map((rule) => `the security group rule ${rule} is too much`),
        ...missing(
          "the network's default group lets something through",
          defaults.ingress?.length === 0 && defaults.egress?.length === 0,
        ),
        ...stack
          .all('ec2/securityGroup')
          .flatMap(({ name, inputs }) =>
            missing(`${name} has rules of its own`, !inputs.ingress && !inputs.egress),
          ),
      ];
    },
    breaks: {
      'a rule fewer': (stack) => stack.remove('vpc/securityGroupIngressRule', 'FunctionsToCacheIn'),
      'a way out to everywhere': (stack) =>
        Object.assign(stack.one('vpc/securityGroupEgressRule', 'FunctionsToCacheOut'), {
          referencedSecurityGroupId: undefined,
          cidrIpv4: '0.0.0.0/0',
        }),
      'all ports': (stack) =>
        (stack.one('vpc/securityGroupIngressRule', 'FunctionsToCacheIn').ipProtocol = '-1'),
      'an open default group': (stack) => (stack.one('ec2/defaultSecurityGroup').ingress = [{}]),
    },
  },
  {
    name: 'each server and function is in its own group',
    check: (stack) => {
      const inGroup = (what: string, groups: unknown, group: string) =>
        missing(
          `${what} is not in ${group} alone`,
          JSON.stringify(groups) === JSON.stringify([`${group}-id`]),
        );
      return [
        ...inGroup('the database', stack.database.vpcSecurityGroupIds, 'DatabaseGroup'),
        ...inGroup("the queue's server", stack.queueServer.securityGroupIds, 'CacheGroup'),
        ...stack
          .all('rds/proxy')
          .flatMap(({ inputs }) => inGroup('the proxy', inputs.vpcSecurityGroupIds, 'ProxyGroup')),
        ...stack
          .all('ec2/vpcEndpoint')
          .flatMap(({ name, inputs }) => inGroup(name, inputs.securityGroupIds, 'EndpointsGroup')),
        ...functionNames
          .filter((name) => !standalone.has(name))
          .flatMap((name) =>
            inGroup(name, stack.function(name).vpcConfig?.securityGroupIds, 'FunctionsGroup'),
          ),
      ];
    },
    breaks: {
      'a database in the default group': (stack) => delete stack.database.vpcSecurityGroupIds,
      "the queue's server in another": (stack) => (stack.queueServer.securityGroupIds = ['x']),
      'a function outside': (stack) => delete stack.function('flush').vpcConfig,
    },
  },
  {
    name: 'memcached is in its own group',
    isFor: hasMemcached,
    check: (stack) =>
      missing(
        'memcached is not in MemcachedGroup alone',
        stack.one('elasticache/cluster').securityGroupIds?.join() === 'MemcachedGroup-id',
      ),
    breaks: {
      'the default group': (stack) => delete stack.one('elasticache/cluster').securityGroupIds,
      "the queue's": (stack) => (stack.one('elasticache/cluster').securityGroupIds = ['CacheGroup-id']),
    },
  },
  {
    name: 'each server is in the private subnets',
    check: (stack) => {
      const subnets = stack.all('ec2/subnet').map(({ name }) => `${name}-id`);
      return ['rds/subnetGroup', 'elasticache/subnetGroup']
        .flatMap((type) => stack.all(type))
        .flatMap(({ name, inputs }) =>
          missing(`${name} is not in these subnets`, inputs.subnetIds?.join() === subnets.join()),
        );
    },
    breaks: {
      'other subnets': (stack) => (stack.one('rds/subnetGroup').subnetIds = ['subnet-public']),
      'none for a cache': (stack) => delete stack.all('elasticache/subnetGroup').at(-1)!.inputs.subnetIds,
    },
  },
];
