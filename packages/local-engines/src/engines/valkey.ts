/** Valkey: see `resp-server.ts`. */
import { respServer } from './resp-server.ts';
import { judgeVersion } from './version.ts';

export const valkey = respServer({
  name: 'valkey',
  title: 'Valkey',
  programName: 'valkey-server',
  readVersion: (printed) =>
    judgeVersion(printed, { title: 'Valkey', pattern: /^Valkey server v=(\d+\.\d+\.\d+)/m, oldest: '7.2.0' }),
  debian: { packages: ['valkey-server', 'valkey-tools'], program: 'usr/bin/valkey-server' },
});
