import { describeEveryStep } from './every-step.ts';

describeEveryStep({ database: 'mariadb', cache: 'valkey' });
