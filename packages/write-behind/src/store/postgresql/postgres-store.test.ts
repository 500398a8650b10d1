import { inject } from 'vitest';
import { PostgresWidgets } from '../../../testing/postgres-widgets.ts';
import { describeStore } from '../../../testing/store-contract.ts';

describeStore('PostgresStore', () => PostgresWidgets.create(inject('postgresql')));
