/** `sst dev`: Valkey and MySQL of this machine, each start and stop with it. */
export function createLocalEngines(): void {
  new sst.x.DevCommand('LocalEngines', {
    dev: {
      title: 'Valkey and MySQL',
      autostart: true,
      command: 'npm run engines',
    },
    environment: { CACHE_PORT: '6379', DB_PORT: '3306' },
  });
  new sst.x.DevCommand('Seed', {
    dev: { title: 'Flights (once)', autostart: false, command: 'npm run seed' },
    environment: { CACHE_HOST: 'localhost', DB_HOST: 'localhost', DB_PASSWORD: '' },
  });
}
