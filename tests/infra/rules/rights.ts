/** What the functions may do. */
import { standalone } from '@afterwrite/functions/catalog';
import { functionNames, missing, type Rule } from '../stack.ts';

const AWS_OWN_POLICIES =
  /^arn:aws:iam::aws:policy\/service-role\/AWSLambda(BasicExecution|VPCAccessExecution)Role$/;

export const rights: readonly Rule[] = [
  {
    name: 'every role trusts one service and every policy names its actions and resources',
    check: (stack) =>
      stack.all('iam/role').flatMap(({ name, inputs }) => {
        const trust = asDocument(inputs.assumeRolePolicy).Statement;
        const service = name.endsWith('ScheduleRole')
          ? 'scheduler'
          : name === 'DatabaseProxyRole'
            ? 'rds'
            : 'lambda';
        const trusted = JSON.stringify(trust.map((statement) => statement.Principal));
        const statements = (inputs.inlinePolicies ?? []).flatMap(
          ({ policy }: any) => asDocument(policy).Statement,
        ) as Statement[];
        return [
          ...missing(
            `the role ${name} trusts ${trusted}, not ${service} alone`,
            trusted === JSON.stringify([{ Service: `${service}.amazonaws.com` }]),
          ),
          ...statements
            .filter(({ Action, Resource }) =>
              [Action, Resource].flat().some((each) => !each || each.includes('*')),
            )
            .map((statement) => `the role ${name} is allowed too much: ${JSON.stringify(statement)}`),
          ...((inputs.managedPolicyArns ?? []) as string[])
            .filter((arn) => !AWS_OWN_POLICIES.test(arn))
            .map((arn) => `the role ${name} has ${arn}`),
        ];
      }),
    breaks: {
      'the account as trusted': (stack) =>
        asDocument(stack.role('flush').assumeRolePolicy).Statement.push({
          Principal: { AWS: 'arn:aws:iam::123456789012:root' },
        }),
      'any resource': (stack) =>
        (stack.role('flush').inlinePolicies = [
          { policy: JSON.stringify({ Statement: [{ Action: ['s3:GetObject'], Resource: ['*'] }] }) },
        ]),
      administrators: (stack) =>
        stack.role('get-flight').managedPolicyArns.push('arn:aws:iam::aws:policy/AdministratorAccess'),
    },
  },
  {
    name: 'a function has only the rights that it needs',
    check: (stack) =>
      functionNames.flatMap((name) => {
        const statements = (stack.role(name).inlinePolicies ?? []).flatMap(
          ({ policy }: any) => asDocument(policy).Statement,
        ) as Statement[];
        const found = statements
          .flatMap(({ Action }) => Action)
          .sort()
          .join();
        const expected = [
          ...(standalone.has(name) ? [] : ['secretsmanager:GetSecretValue']),
          ...(name === 'update-flight' || name === 'flush' ? ['lambda:InvokeFunction'] : []),
          ...(name === 'flush' ? ['sqs:SendMessage'] : []),
        ];
        return missing(`${name} may ${found || 'nothing'}`, found === expected.sort().join());
      }),
    breaks: {
      'a right too many': (stack) =>
        (stack.role('openapi').inlinePolicies = stack.role('flush').inlinePolicies),
      'a right too few': (stack) => (stack.role('flush').inlinePolicies = []),
    },
  },
];

interface Statement {
  readonly Action?: string[];
  readonly Resource?: string[];
  readonly Principal?: unknown;
}

function asDocument(policy: any): { Statement: Statement[] } {
  return typeof policy === 'string' ? JSON.parse(policy) : policy;
}
