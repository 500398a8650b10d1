/** Who reaches whom. */
import { standalone } from '@afterwrite/functions/catalog';
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

const hasProxy = (stack: Stack) => stack.all('rds/proxy').length > 0;

function expectedRules(stack: Stack): string[] {
  const pairs = [
    'FunctionsGroup->CacheGroup:6379',
    'FunctionsGroup->EndpointsGroup:443',
    ...(hasProxy(stack)
      ? ['FunctionsGroup->ProxyGroup:3306', 'ProxyGroup->DatabaseGroup:3306']
      : ['FunctionsGroup->DatabaseGroup:3306']),
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
      ...missing('MySQL is publicly accessible', stack.one('rds/instance').publiclyAccessible === false),
      ...stack.all('lambda/functionUrl').map(({ name }) => `${name} is a public address of a function`),
      ...stack
        .all('lambda/permission')
        .filter(({ inputs }) => inputs.principal !== 'apigateway.amazonaws.com' || !inputs.sourceArn)
        .map(({ name, inputs }) => `${name} lets ${String(inputs.principal)} call a function`),
    ],
    breaks: {
      'an internet gateway': (stack) => stack.add('ec2/internetGateway', 'Gateway', {}),
      'public addresses': (stack) => (stack.one('ec2/subnet', 'NetworkSubnet1').mapPublicIpOnLaunch = true),
      'a public database': (stack) => (stack.one('rds/instance').publiclyAccessible = true),
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
        ...inGroup('MySQL', stack.one('rds/instance').vpcSecurityGroupIds, 'DatabaseGroup'),
        ...inGroup('Valkey', stack.one('elasticache/replicationGroup').securityGroupIds, 'CacheGroup'),
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
      'MySQL in the default group': (stack) => delete stack.one('rds/instance').vpcSecurityGroupIds,
      'Valkey in another': (stack) => (stack.one('elasticache/replicationGroup').securityGroupIds = ['x']),
      'a function outside': (stack) => delete stack.function('flush').vpcConfig,
    },
  },
];
