import { inject } from 'vitest';
import { describeStore } from '../../../testing/store-contract.ts';
import { mariadbEngine, MysqlWidgets } from '../../../testing/widgets.ts';

describeStore('MysqlStore on MariaDB', () => MysqlWidgets.create(inject('mariadb'), 0, mariadbEngine));
