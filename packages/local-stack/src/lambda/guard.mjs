/**
 * Kills the processes that it was told of, once its input ends: each argument `PID TOKEN` and each line `+ PID TOKEN`
 * begins to watch one, `- PID` ends that.
 * A process whose command line no longer holds the token is another one, and is left alone.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const watched = new Map(process.argv.slice(2).map((argument) => argument.split(' ')));

function commandLine(pid) {
  try {
    return process.platform === 'linux'
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      : execFileSync('ps', ['-ww', '-o', 'command=', '-p', pid], { encoding: 'utf8' });
  } catch {
    return ''; // It has ended.
  }
}

function kill(pid) {
  try {
    process.kill(Number(pid), 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [sign, pid, token] = line.split(' ');
  if (sign === '+') watched.set(pid, token);
  else watched.delete(pid);
}
for (const [pid, token] of watched) if (commandLine(pid).includes(token)) kill(pid);
