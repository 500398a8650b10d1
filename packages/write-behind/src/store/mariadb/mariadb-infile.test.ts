import { inject } from 'vitest';
import { describeLoading } from '../../../testing/mysql-infile.ts';
import { mariadbEngine } from '../../../testing/widgets.ts';

describeLoading(mariadbEngine, () => inject('mariadb'));
