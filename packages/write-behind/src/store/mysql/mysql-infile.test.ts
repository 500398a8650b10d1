import { inject } from 'vitest';
import { describeLoading } from '../../../testing/mysql-infile.ts';
import { mysqlEngine } from '../../../testing/widgets.ts';

describeLoading(mysqlEngine, () => inject('mysql'));
