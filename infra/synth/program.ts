/**
 * Built together with SST's components by scripts/synth.ts: sst.config.ts on Pulumi's mocks. Whatever a resource would be
 * told by AWS is made up here, and recognisably so.
 */
import crypto from 'node:crypto';
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { run } from 'sst-platform/auto/run.ts';
import * as sst from 'sst-platform/components/index.ts';
import config from '../../sst.config.ts';
import type { Engines, Resource, Synthesis } from '../../scripts/synth/types.ts';
import { settingsOf, type StageSettings } from '../settings.ts';
import { createStack } from '../stack.ts';

type Values = Record<string, unknown>;

const ACCOUNT = '123456789012';
const REGION = 'us-east-1';

export function synthesize(stage: string, engines: Engines): Synthesis {
  // Suffixes of names are random; here they are the same on every run.
  crypto.randomBytes = (size: number) => Buffer.alloc(size, 7);
  const resources: Resource[] = [];
  let hasEnded = false;
  const work = async () => {
    await pulumi.runtime.setMocks(
      {
        newResource: ({ type, name, inputs }) => {
          const given = plain(inputs) as Values;
          // Components are groups of resources, not resources.
          if (!type.startsWith('sst:') && type !== 'pulumi:pulumi:Stack')
            resources.push({ type, name, inputs: given });
          return {
            id: idOf(type, name, given),
            state: { ...(inputs as Values), ...madeUp(type, name, given) },
          };
        },
        call: ({ token, inputs }) => answer(token, plain(inputs) as Values),
      },
      'afterwrite',
      stage,
      false,
    );
    Object.assign(globalThis, { aws, sst });
    resources.push({ type: 'sst:app', name: $app.name, inputs: { ...$app } });
    await pulumi.runtime.runInPulumiStack(() => run(programOf(stage, engines)));
    hasEnded = true;
  };
  void work();
  return {
    resources: () => {
      if (!hasEnded) throw new Error('The program never came to its end: something in it waits for ever.');
      return resources.sort((a, b) => compare(a.type, b.type) || compare(a.name, b.name));
    },
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The stage as it is deployed; or what it would be with other engines, which nothing but its settings can choose. */
function programOf(stage: string, { database, cache }: Engines) {
  if (!database && !cache) return () => config.run();
  const { database: ofDatabase, cache: ofCache, ...settings } = settingsOf(stage);
  const changed: StageSettings = {
    ...settings,
    database: { ...ofDatabase, engine: database ?? ofDatabase.engine },
    cache: { ...ofCache, engine: cache ?? ofCache.engine },
  };
  return async () => await Promise.resolve(createStack(changed));
}

/** Out of Pulumi's wrappers: secrets become their values. Of an asset its presence is shown; its key has its hash. */
function plain(value: unknown): unknown {
  if (value instanceof pulumi.asset.FileArchive || value instanceof pulumi.asset.FileAsset) return 'asset';
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if ('4dabf18193072939515e22adb298388d' in value && 'value' in value) return plain(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

/** What refers to a resource by its id can be followed: most ids are names. */
function idOf(type: string, name: string, inputs: Values): string {
  if (type === 'aws:secretsmanager/secret:Secret') return arn(type, name);
  return typeof inputs.replicationGroupId === 'string' ? inputs.replicationGroupId : `${name}-id`;
}

function arn(type: string, name: string): string {
  return `arn:aws:${type.split(/[:/]/)[1] ?? ''}:${REGION}:${ACCOUNT}:${name}`;
}

function madeUp(type: string, name: string, inputs: Values): Values {
  const common = { arn: arn(type, name), name: inputs.name ?? name };
  switch (type) {
    case 'aws:lambda/function:Function': {
      const functionArn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${String(inputs.name)}`;
      const invokeArn = `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/${functionArn}/invocations`;
      return { ...common, arn: functionArn, invokeArn, version: '$LATEST', lastModified: '2000-01-01' };
    }
    case 'aws:rds/instance:Instance':
      return { ...common, endpoint: 'database.made-up:3306', address: 'database.made-up', port: 3306 };
    case 'aws:rds/cluster:Cluster':
      return { ...common, endpoint: 'writer.made-up', readerEndpoint: 'reader.made-up' };
    case 'aws:rds/proxy:Proxy':
      return { ...common, endpoint: 'proxy.made-up' };
    case 'aws:elasticache/replicationGroup:ReplicationGroup':
      return {
        ...common,
        clusterEnabled: inputs.clusterMode === 'enabled',
        configurationEndpointAddress: 'cache.made-up',
        primaryEndpointAddress: 'primary.made-up',
      };
    case 'aws:elasticache/cluster:Cluster':
      return { ...common, cacheNodes: [{ id: '0001', address: 'memcached.made-up', port: inputs.port }] };
    case 'aws:apigatewayv2/api:Api':
      return { ...common, apiEndpoint: 'https://api.made-up', executionArn: arn(type, name) };
    case 'aws:sqs/queue:Queue':
      return { ...common, url: `https://sqs.made-up/${name}` };
    case 'random:index/randomPassword:RandomPassword':
      return { result: `made-up-secret-${name}` };
    case 'random:index/randomBytes:RandomBytes':
      return { base64: `made-up-secret-${name}` };
    default:
      return common;
  }
}

function answer(token: string, inputs: Values): Values {
  switch (token) {
    case 'aws:iam/getPolicyDocument:getPolicyDocument':
      return policyDocument(inputs.statements as Statement[] | undefined);
    case 'aws:index/getPartition:getPartition':
      return { partition: 'aws' };
    case 'aws:index/getRegion:getRegion':
      return { region: REGION, name: REGION };
    case 'aws:index/getCallerIdentity:getCallerIdentity':
      return { accountId: ACCOUNT };
    case 'aws:index/getAvailabilityZones:getAvailabilityZones':
      return { names: ['a', 'b', 'c'].map((zone) => `${REGION}${zone}`) };
    default:
      throw new Error(`${token} has no made-up answer: add one to infra/synth/program.ts.`);
  }
}

interface Statement {
  readonly effect?: string;
  readonly actions: readonly string[];
  readonly resources?: readonly string[];
  readonly principals?: readonly { readonly type: string; readonly identifiers: readonly string[] }[];
  readonly conditions?: readonly {
    readonly test: string;
    readonly variable: string;
    readonly values: readonly string[];
  }[];
}

/** As the provider writes it. */
function policyDocument(statements: readonly Statement[] = []): Values {
  const document = {
    Version: '2012-10-17',
    Statement: statements.map(({ effect = 'Allow', actions, resources, principals, conditions }) => ({
      Effect: effect,
      Action: actions,
      Resource: resources,
      Principal: principals && Object.fromEntries(principals.map((each) => [each.type, each.identifiers])),
      Condition:
        conditions &&
        Object.fromEntries(conditions.map((each) => [each.test, { [each.variable]: each.values }])),
    })),
  };
  // SST adds no policy to a role when there are no statements, and tells by this.
  return { json: JSON.stringify(document), statements: statements.length > 0 ? statements : undefined };
}
