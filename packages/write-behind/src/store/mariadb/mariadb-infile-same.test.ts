import { inject } from 'vitest';
import { describeSameByLoad } from '../../../testing/mysql-infile-same.ts';
import { mariadbEngine } from '../../../testing/widgets.ts';

describeSameByLoad(mariadbEngine, () => inject('mariadb'));
