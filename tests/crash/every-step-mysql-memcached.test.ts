import { describeEveryStep } from './every-step.ts';

describeEveryStep({ database: 'mysql', cache: 'memcached' });
