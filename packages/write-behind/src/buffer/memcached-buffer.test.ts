import { inject } from 'vitest';
import { describeBuffer } from '../../testing/buffer-contract.ts';
import { describeFence } from '../../testing/buffer-fence.ts';
import { describeForeignKeys } from '../../testing/buffer-foreign.ts';
import { makeMemcachedRig } from '../../testing/buffer-memcached.ts';
import { describeModel } from '../../testing/buffer-model.ts';
import { connectionTo } from '../../testing/buffer-valkey.ts';

const queue = connectionTo(inject('redis'));
const rig = makeMemcachedRig(queue, inject('memcached'));

describeBuffer('memcached beside Redis', rig);
describeForeignKeys('memcached beside Redis', rig);
describeFence('memcached beside Redis', rig);
describeModel(makeMemcachedRig(queue, inject('memcached'), { evicts: 'copy' }));
