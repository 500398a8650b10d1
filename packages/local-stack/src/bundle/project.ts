/** Where the project's functions and their bundles are. */
import { join } from 'node:path';
import { catalog, type FunctionName } from '@afterwrite/functions/catalog';
import { buildSite, siteSources } from '@afterwrite/console/site';
import type { BundleOptions } from './bundle.ts';
import { compressed } from './compressed.ts';

const root = join(import.meta.dirname, '../../../..');

export const functionNames = Object.keys(catalog) as FunctionName[];

export const projectBundles: BundleOptions = {
  sourceDir: join(root, 'functions'),
  outDir: join(root, 'functions/dist'),
  names: functionNames,
  assets: { console: async () => await compressed(await buildSite()) },
  assetSources: siteSources,
};
