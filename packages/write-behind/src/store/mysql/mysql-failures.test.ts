import { inject } from 'vitest';
import { describeFailures } from '../../../testing/mysql-failures.ts';
import { mysqlEngine } from '../../../testing/widgets.ts';

describeFailures(mysqlEngine, () => inject('mysql'));
