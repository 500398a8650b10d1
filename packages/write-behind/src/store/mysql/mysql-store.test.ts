import { inject } from 'vitest';
import { describeStore } from '../../../testing/store-contract.ts';
import { MysqlWidgets } from '../../../testing/widgets.ts';

describeStore('MysqlStore', () => MysqlWidgets.create(inject('mysql')));
