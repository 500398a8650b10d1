import { inject } from 'vitest';
import { describeBuffer } from '../../testing/buffer-contract.ts';
import { describeFence } from '../../testing/buffer-fence.ts';
import { describeForeignKeys } from '../../testing/buffer-foreign.ts';
import { connectionTo, makeValkeyRig } from '../../testing/buffer-valkey.ts';

for (const [name, place, traits] of [
  ['Redis 8', inject('redis'), {}],
  ['Redis 7.0', inject('redis-7'), { seesDisk: false }],
] as const) {
  const rig = makeValkeyRig(connectionTo(place, { title: 'Redis' }));
  describeBuffer(name, rig, traits);
  describeForeignKeys(name, rig);
  describeFence(name, rig);
}
