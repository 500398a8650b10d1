import { describe, expect, it } from 'vitest';
import { nativeMode as mode, processesNaming } from '../testing/support.ts';
import { askValkey } from './engines/resp.ts';
import { makeTemporaryDataDir, startValkeyCluster } from './index.ts';

describe('startValkeyCluster', () => {
  it('gives three primaries that all serve all slots, and again after a stop', async () => {
    const temporary = makeTemporaryDataDir();
    for (let round = 0; round < 2; round += 1) {
      const cluster = await startValkeyCluster({ mode, dataDir: temporary.path });
      expect(cluster.nodes).toHaveLength(3);
      for (const node of cluster.nodes) {
        const info = (await askValkey(node, 'CLUSTER', 'INFO'))?.split('\r\n');
        expect(info).toContain('cluster_state:ok');
        expect(info).toContain('cluster_slots_ok:16384');
        expect(info).toContain('cluster_size:3');
        expect(node.port + 10_000).toBeLessThan(65_536);
      }
      await cluster.stop();
      expect(processesNaming(temporary.path)).toEqual([]);
    }
    await temporary.remove();
  });

  it('cannot run in containers and says so', async () => {
    const temporary = makeTemporaryDataDir();
    const start = startValkeyCluster({ dataDir: temporary.path, mode: 'containers' });
    await expect(start).rejects.toMatchObject({ code: 'NO_RUNG_WORKED' });
    await temporary.remove();
  });
});
