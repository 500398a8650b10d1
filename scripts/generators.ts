import { openApiDocument } from '@afterwrite/functions/openapi-document';
import { configurationPage } from '@afterwrite/write-behind';

/** Files that programs write, other than those made from `lua/` and `sql/` folders. */
export interface Generator {
  /** From the root of the checkout. */
  readonly file: string;
  /** Gives the whole text of the file. */
  readonly make: () => string | Promise<string>;
}

export const generators: readonly Generator[] = [
  { file: 'docs/CONFIGURATION.md', make: configurationPage },
  {
    file: 'docs/openapi.json',
    make: () => `${JSON.stringify(openApiDocument(), null, 2)}
`,
  },
];
