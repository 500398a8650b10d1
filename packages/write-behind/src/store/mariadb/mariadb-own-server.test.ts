import { describeOwnServer } from '../../../testing/mysql-own-server.ts';
import { mariadbEngine } from '../../../testing/widgets.ts';

describeOwnServer(mariadbEngine);
