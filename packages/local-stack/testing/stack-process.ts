/** A process with a local Lambda that waits to be killed; says on standard output which processes there are. */
import { startLambda, testFunction } from './local-lambda.ts';

const { lambda, call } = startLambda([testFunction('counts'), testFunction('never')]);
const { pid } = (await call('counts')) as { pid: number };
void call('never').catch(() => undefined);
console.log(JSON.stringify({ frozen: pid, guard: lambda.guardPid }));
setInterval(() => undefined, 60_000);
