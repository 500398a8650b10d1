import { inject } from 'vitest';
import { describeBuffer } from '../../testing/buffer-contract.ts';
import { describeFence } from '../../testing/buffer-fence.ts';
import { describeForeignKeys } from '../../testing/buffer-foreign.ts';
import { connectionTo, makeValkeyRig } from '../../testing/buffer-valkey.ts';

const onServer = makeValkeyRig(connectionTo(inject('valkey')));
const onCluster = makeValkeyRig(connectionTo(inject('valkeyCluster'), { cluster: true }));

describeBuffer('Valkey, one server', onServer);
describeForeignKeys('Valkey, one server', onServer);
describeFence('Valkey, one server', onServer);
describeBuffer('Valkey, a cluster of three', onCluster);
describeForeignKeys('Valkey, a cluster of three', onCluster);
describeFence('Valkey, a cluster of three', onCluster);
