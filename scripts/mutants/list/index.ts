import type { Mutation } from '../mutation.ts';
import { bufferMutations } from './buffer.ts';
import { changeMutations } from './changes.ts';
import { flusherMutations } from './flusher.ts';
import { limitMutations } from './limits.ts';
import { memcachedMutations } from './memcached.ts';
import { outageMutations } from './outages.ts';
import { storeMutations } from './store.ts';

/** Every guard, each of its faces taken out in turn. */
export const mutations: readonly Mutation[] = [
  ...bufferMutations,
  ...limitMutations,
  ...flusherMutations,
  ...storeMutations,
  ...outageMutations,
  ...changeMutations,
  ...memcachedMutations,
];
