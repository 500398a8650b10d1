/** `npm run console` as a person runs it, and `npm run status` through it. What it refuses: ../remote/remote.test.ts. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCommandLine, startCommand } from '../../testing/commands.ts';
import { healthAnswer, queueAnswer } from '../../testing/status-answers.ts';

const folder = mkdtempSync(join(tmpdir(), 'afterwrite-console-'));
const tokenFile = join(folder, 'token');
const answers: Readonly<Record<string, unknown>> = { '/queue': queueAnswer(), '/health': healthAnswer() };
const api = createServer(({ url = '', headers }, response) => {
  const isKnown = headers.authorization === 'Bearer sesame';
  const body = isKnown ? answers[url] : { message: 'Unauthorized' };
  response.writeHead(isKnown ? (body === undefined ? 404 : 200) : 401, {
    'content-type': 'application/json',
  });
  response.end(JSON.stringify(body ?? { message: 'Not Found' }));
});
afterAll(async () => {
  api.closeAllConnections();
  await new Promise((resolve) => api.close(resolve));
  rmSync(folder, { recursive: true });
});

test('a deployment that asks for a token: refused without, seen with it, through the forwarder and at once', async () => {
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  writeFileSync(tokenFile, 'sesame\n');
  const url = `http://127.0.0.1:${String((api.address() as AddressInfo).port)}`;
  const running = startCommand('console', ['--url', url, '--token-file', tokenFile], {});
  let said = '';
  running.child.stdout.on('data', (text: string) => (said += text));
  await running.sees('The console is on http://127.0.0.1:');
  const own = /http:\S+/.exec(said)?.[0] ?? '';

  expect(await runCommandLine('status', ['--url', url], {})).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('refuses the caller (401') as string,
  });
  for (const args of [
    ['--url', own],
    ['--url', url, '--token-file', tokenFile],
  ]) {
    const { code, stdout } = await runCommandLine('status', args, {});
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Queue +4 wait/m);
    expect(stdout).toMatch(/^Hit rate +on AWS: see the dashboard$/m);
  }
  const byVariable = await runCommandLine('status', ['--json', '--url', url], { AFTERWRITE_TOKEN: 'sesame' });
  expect(JSON.parse(byVariable.stdout)).toMatchObject({ state: 'HEALTHY', isLocal: false, live: null });

  running.child.kill('SIGINT');
  const { code, stderr } = await running.ended;
  expect({ code, isSecret: stderr.includes('sesame') }).toEqual({ code: 0, isSecret: false });
});

test.each([
  [['--url', 'http://example.com'], 1, 'without TLS'],
  [[], 2, '--url'],
  [['--url', 'http://127.0.0.1:1', '--port', '70000'], 2, 'from 0 to 65535'],
])('%j is a mistake', async (args, code, words) => {
  const outcome = await runCommandLine('console', args, {});
  expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(words) as string });
});
