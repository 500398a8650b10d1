import { describeFaults } from './mysql-faults.ts';

describeFaults('mariadb');
