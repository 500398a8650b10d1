/**
 * What must hold for every stage that is deployed. A rule says what it found wrong, in words, and has at least one way to
 * break it, which the tests try: a rule that holds for anything would guard nothing.
 */
import type { Rule } from '../stack.ts';
import { alarms } from './alarms.ts';
import { api } from './api.ts';
import { database } from './databases.ts';
import { durability } from './durability.ts';
import { encryption } from './encryption.ts';
import { functions } from './functions.ts';
import { reachability } from './network.ts';
import { rights } from './rights.ts';

export const rules: readonly Rule[] = [
  ...reachability,
  ...encryption,
  ...rights,
  ...api,
  ...functions,
  ...durability,
  ...database,
  ...alarms,
];
