import { inject } from 'vitest';
import { describeSameByLoad } from '../../../testing/mysql-infile-same.ts';
import { mysqlEngine } from '../../../testing/widgets.ts';

describeSameByLoad(mysqlEngine, () => inject('mysql'));
