import { inject } from 'vitest';
import { describeFailures } from '../../../testing/mysql-failures.ts';
import { mariadbEngine } from '../../../testing/widgets.ts';

describeFailures(mariadbEngine, () => inject('mariadb'));
