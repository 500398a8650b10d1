import { openApiDocument } from '@afterwrite/functions/openapi-document';
import { configurationPage } from '@afterwrite/write-behind';
import { metricsPage } from './generate/metrics-page.ts';

/** Files that programs write, other than those made from `lua/` and `sql/` folders. */
export interface Generator {
  /** From the root of the checkout. */
  readonly file: string;
  /** Gives the whole text of the file. */
  readonly make: () => string | Promise<string>;
}

export const generators: readonly Generator[] = [
  { file: 'docs/CONFIGURATION.md', make: configurationPage },
  { file: 'docs/METRICS.md', make: metricsPage },
  {
    file: 'docs/openapi.json',
    make: () => `${JSON.stringify(openApiDocument(), null, 2)}
`,
  },
];
