/**
 * A VPC that nothing reaches from outside and that reaches nothing outside: private subnets, no internet gateway, no NAT.
 * The functions need two services of AWS, and those come in by interface endpoints (docs/decisions/0001). SST's own Vpc
 * component would add public subnets, an internet gateway and a group that is open to the whole network.
 */
import { cacheEngines, MEMCACHED_PORT, SERVER_PORT } from './cache-engines.ts';
import { databaseEngines } from './database-engines.ts';
import type { StageSettings } from './settings.ts';

const HTTPS_PORT = 443;

export interface Network {
  /** One in each zone. */
  readonly subnetIds: $util.Output<string>[];
  /** By name, in the order of the subnets. */
  readonly zones: $util.Output<string>[];
  /** Until these are there, nothing in the network reaches anything. */
  readonly paths: $util.Resource[];
  readonly groups: {
    readonly functions: aws.ec2.SecurityGroup;
    readonly cache: aws.ec2.SecurityGroup;
    readonly memcached: aws.ec2.SecurityGroup | null;
    readonly database: aws.ec2.SecurityGroup;
    readonly proxy: aws.ec2.SecurityGroup | null;
  };
}

export function createNetwork(settings: StageSettings, hasProxy: boolean): Network {
  const { server, memcached: hasMemcached } = cacheEngines[settings.cache.engine];
  const { title, port } = databaseEngines[settings.database.engine];
  const vpc = new aws.ec2.Vpc('Network', {
    cidrBlock: '10.0.0.0/16',
    enableDnsHostnames: true,
    enableDnsSupport: true,
    tags: { Name: named('network') },
  });
  const { names } = aws.getAvailabilityZonesOutput({ state: 'available' });
  const zones = Array.from({ length: settings.network.zones }, (_, index) =>
    names.apply((all) => all[index]),
  );
  const subnetIds = createSubnets(vpc, zones);
  // Whoever forgets to name a group gets this one: it lets nothing in or out.
  new aws.ec2.DefaultSecurityGroup('NetworkDefaultGroup', { vpcId: vpc.id, ingress: [], egress: [] });

  const group = (name: string, description: string) =>
    new aws.ec2.SecurityGroup(`${name}Group`, {
      vpcId: vpc.id,
      description,
      tags: { Name: named(name.toLowerCase()) },
    });
  const functions = group('Functions', 'The functions: out to cache, database and endpoints only');
  const cache = group('Cache', `${server.title}: in from the functions only`);
  const memcached = hasMemcached ? group('Memcached', 'memcached: in from the functions only') : null;
  const database = group('Database', `${title}: in from the functions or the proxy only`);
  const proxy = hasProxy ? group('Proxy', `RDS Proxy: in from the functions, out to ${title}`) : null;
  const endpoints = group('Endpoints', 'Endpoints of AWS services: in from the functions only');

  const paths = [
    ...allow('FunctionsToCache', functions, cache, SERVER_PORT),
    ...(memcached ? allow('FunctionsToMemcached', functions, memcached, MEMCACHED_PORT) : []),
    ...allow('FunctionsToEndpoints', functions, endpoints, HTTPS_PORT),
    ...(proxy
      ? [
          ...allow('FunctionsToProxy', functions, proxy, port),
          ...allow('ProxyToDatabase', proxy, database, port),
        ]
      : allow('FunctionsToDatabase', functions, database, port)),
  ];
  const endpointSubnets = subnetIds.slice(0, settings.network.endpointZones);
  paths.push(createEndpoint('secretsmanager', vpc, endpointSubnets, endpoints));
  // One function calls another when the queue is long.
  paths.push(createEndpoint('lambda', vpc, endpointSubnets, endpoints));
  return { subnetIds, zones, paths, groups: { functions, cache, memcached, database, proxy } };
}

function createSubnets(vpc: aws.ec2.Vpc, zones: $util.Output<string>[]): $util.Output<string>[] {
  const routes = new aws.ec2.RouteTable('NetworkRoutes', { vpcId: vpc.id, tags: { Name: named('private') } });
  return zones.map((zone, index) => {
    const subnet = new aws.ec2.Subnet(`NetworkSubnet${index + 1}`, {
      vpcId: vpc.id,
      cidrBlock: `10.0.${index * 16}.0/20`,
      availabilityZone: zone,
      mapPublicIpOnLaunch: false,
      tags: { Name: named(`private-${index + 1}`) },
    });
    new aws.ec2.RouteTableAssociation(`NetworkSubnet${index + 1}Routes`, {
      subnetId: subnet.id,
      routeTableId: routes.id,
    });
    return subnet.id;
  });
}

/** One way, one port: out of the one group and into the other. */
function allow(
  name: string,
  from: aws.ec2.SecurityGroup,
  to: aws.ec2.SecurityGroup,
  port: number,
): $util.Resource[] {
  const rule = { ipProtocol: 'tcp', fromPort: port, toPort: port };
  const out = new aws.vpc.SecurityGroupEgressRule(`${name}Out`, {
    ...rule,
    securityGroupId: from.id,
    referencedSecurityGroupId: to.id,
  });
  const into = new aws.vpc.SecurityGroupIngressRule(`${name}In`, {
    ...rule,
    securityGroupId: to.id,
    referencedSecurityGroupId: from.id,
  });
  return [out, into];
}

function createEndpoint(
  service: 'secretsmanager' | 'lambda',
  vpc: aws.ec2.Vpc,
  subnetIds: $util.Output<string>[],
  group: aws.ec2.SecurityGroup,
): $util.Resource {
  const { accountId } = aws.getCallerIdentityOutput();
  return new aws.ec2.VpcEndpoint(service === 'lambda' ? 'LambdaEndpoint' : 'SecretsEndpoint', {
    vpcId: vpc.id,
    serviceName: $interpolate`com.amazonaws.${aws.getRegionOutput().region}.${service}`,
    vpcEndpointType: 'Interface',
    privateDnsEnabled: true,
    subnetIds,
    securityGroupIds: [group.id],
    // Whatever runs in here cannot carry data to somebody else's account through it.
    policy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          actions: [`${service}:*`],
          resources: [$interpolate`arn:aws:${service}:*:${accountId}:*`],
          principals: [{ type: '*', identifiers: ['*'] }],
          conditions: [{ test: 'StringEquals', variable: 'aws:PrincipalAccount', values: [accountId] }],
        },
      ],
    }).json,
    tags: { Name: named(service) },
  });
}

function named(what: string): string {
  return `${$app.name}-${$app.stage}-${what}`;
}
