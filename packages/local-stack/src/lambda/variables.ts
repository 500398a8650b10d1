/**
 * What an environment's process sees: the variables that Lambda reserves, with values of this machine, and the
 * function's own. Nothing else of the developer's environment gets in, so what works here has all it needs on AWS.
 */
import type { FunctionDefinition } from './outcome.ts';

export const REGION = 'us-east-1';
/** AWS's own documentation uses this account in its examples. */
export const ACCOUNT_ID = '123456789012';
export const FUNCTION_VERSION = '$LATEST';

export function functionArn(name: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${name}`;
}

export interface VariablesOptions {
  readonly definition: FunctionDefinition;
  readonly environmentId: string;
  /** host:port of this environment's Runtime API. */
  readonly runtimeApi: string;
  readonly now: Date;
}

export function environmentVariables(options: VariablesOptions): Record<string, string> {
  const { definition, environmentId, runtimeApi, now } = options;
  const { name, memoryMb, handler, taskRoot, variables } = definition;
  const day = now.toISOString().slice(0, 'YYYY-MM-DD'.length).replaceAll('-', '/');
  return {
    ...variables,
    // Where programs are differs by machine; nothing in a function should care.
    PATH: process.env.PATH ?? '',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    _HANDLER: handler,
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: import.meta.dirname,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs24.x`,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: FUNCTION_VERSION,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${day}/[${FUNCTION_VERSION}]${environmentId}`,
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    // The SDK refuses to sign without any; nothing here checks the signature.
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: 'local',
  };
}

/** Shares of the memory setting that Lambda's own Node runtime gives to V8's old and young generation. */
const OLD_SPACE_SHARE = 0.9;
const SEMI_SPACE_SHARE = 0.05;

/** A limit on V8's heap only: buffers and the program itself come on top, and Lambda would count them too. */
export function memoryFlags(memoryMb: number): readonly string[] {
  return [
    `--max-old-space-size=${Math.floor(memoryMb * OLD_SPACE_SHARE)}`,
    `--max-semi-space-size=${Math.floor(memoryMb * SEMI_SPACE_SHARE)}`,
  ];
}
