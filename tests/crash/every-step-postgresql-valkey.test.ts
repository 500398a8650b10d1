import { describeEveryStep } from './every-step.ts';

describeEveryStep({ database: 'postgresql', cache: 'valkey' });
