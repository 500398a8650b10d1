/**
 * Valkey, MySQL, flushers and writers killed at random moments under load, Valkey also with a loss of power. What was
 * acknowledged is held against the servers afterwards. `npm run test:soak` is the same for longer; AFTERWRITE_SEED
 * repeats a run's choices.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomFrom } from '../support/random.ts';
import { runRound } from '../soak/round.ts';
import { Server } from '../soak/servers.ts';
import { SETTINGS } from '../soak/settings.ts';

const LOAD_MS = 3500;
const PAUSE_MS = 900;

const seed = Number(process.env.AFTERWRITE_SEED ?? randomInt(2 ** 31));
const mysql = new Server('mysql');
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'afterwrite-kills-'));
  await mysql.start();
});
afterAll(async () => {
  await mysql.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe(`1 to 4 killed under load, AFTERWRITE_SEED=${String(seed)}`, () => {
  it.for(SETTINGS)('$name', async (setting, { signal, skip }) => {
    // In a container neither the file nor the thread that syncs it can be seen.
    skip(setting.losesPower && mysql.engine.pid === undefined, 'needs LOCAL_ENGINES=path or debian on Linux');
    const index = SETTINGS.indexOf(setting);
    const random = randomFrom(seed + index);
    const place = { mysql, random, folder: join(folder, String(index)), signal };
    const result = await runRound({ ...place, setting, durationMs: LOAD_MS, pauseMs: PAUSE_MS });
    const { report, kills, cutBytes, oldestLostMs } = result;
    const { acknowledged, unknown, lost } = report;
    console.log(setting.name, JSON.stringify({ acknowledged, unknown, kills, lost, oldestLostMs, cutBytes }));
    expect(result.troubles).toEqual([]);
    expect(report).toMatchObject({ doubled: 0, outOfOrder: 0, pending: 0, brokenChains: 0, wrongRows: 0 });
    expect(kills).toBeGreaterThan(0);
  });
});
