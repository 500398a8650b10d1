/** The whole stack on a world of its own and a browser, for the tests of one file. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { type RunningStack, startStack } from '../support/start-stack.ts';
import { makeWorld, type World, type WorldOptions } from '../support/world.ts';
import { hasChromium, startBrowser } from './browser.ts';

export interface Stage {
  readonly world: World;
  readonly stack: RunningStack;
  readonly browser: Browser;
}

/** Filled before the first test, ended after the last; nothing is started where there is no browser. */
export function useStage(
  options: WorldOptions,
  prepare: (world: World) => Promise<unknown> = () => Promise.resolve(),
): Stage {
  const stage: Partial<Record<keyof Stage, unknown>> = {};
  const undos: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    if (!hasChromium) return;
    const world = await makeWorld(options);
    undos.push(() => world.dispose());
    await prepare(world);
    const stack = await startStack(world.environment);
    undos.push(() => stack.stop());
    const browser = await startBrowser();
    undos.push(() => browser.close());
    Object.assign(stage, { world, stack, browser });
  });
  afterAll(async () => {
    for (const undo of undos.reverse()) await undo();
  });
  return stage as Stage;
}
