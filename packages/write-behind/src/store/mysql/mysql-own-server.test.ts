import { describeOwnServer } from '../../../testing/mysql-own-server.ts';
import { mysqlEngine } from '../../../testing/widgets.ts';

describeOwnServer(mysqlEngine);
