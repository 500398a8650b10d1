/** `sst dev`: the servers of this machine, which start and stop with it. */
import { localEnvironment } from './local-environment.ts';
import type { StageSettings } from './settings.ts';

export function createLocalEngines(settings: StageSettings): void {
  const { title, engines, seed } = localEnvironment(settings);
  new sst.x.DevCommand('LocalEngines', {
    dev: { title, autostart: true, command: 'npm run engines' },
    environment: engines,
  });
  new sst.x.DevCommand('Seed', {
    dev: { title: 'Flights (once)', autostart: false, command: 'npm run seed' },
    environment: seed,
  });
}
