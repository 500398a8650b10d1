/** Whether docs/DEPENDENCIES.md names what the package.json files name: each direct dependency once, and no other. */
import { readFileSync } from 'node:fs';

interface Manifest {
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const PAGE = 'docs/DEPENDENCIES.md';
const OURS = '@afterwrite/';

/** Names of the packages that these ask for, without our own. */
export function directDependencies(manifests: readonly Manifest[]): Set<string> {
  const names = manifests.flatMap((manifest) => [
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.devDependencies ?? {}),
    ...Object.keys(manifest.optionalDependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {}),
  ]);
  return new Set(names.filter((name) => !name.startsWith(OURS)));
}

/** One line for each mistake. `page`: rows of tables begin with the package, in backticks. */
export function dependencyMistakes(direct: ReadonlySet<string>, page: string): string[] {
  const rows = [...page.matchAll(/^\| `([^`]+)` +\|(.*)\|$/gm)].map(([, name = '', cells = '']) => ({
    name,
    isWhole: cells.split('|').length === 4 && cells.split('|').every((cell) => cell.trim() !== ''),
  }));
  const listed = new Set(rows.map(({ name }) => name));
  return [
    ...[...direct]
      .filter((name) => !listed.has(name))
      .map((name) => `${name} is not in ${PAGE}: say why it is trusted`),
    ...[...listed]
      .filter((name) => !direct.has(name))
      .map((name) => `${name} is in ${PAGE}, and no package.json names it`),
    ...rows
      .filter(({ isWhole }) => !isWhole)
      .map(({ name }) => `${name}: a cell of its row in ${PAGE} is empty`),
    ...(rows.length > listed.size ? [`a package is in ${PAGE} twice`] : []),
  ];
}

/** Of the checkout at `root`, from the manifests that npm has in its lock file. */
export function checkDependencies(root: string): string[] {
  const lock = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8')) as {
    packages: Readonly<Record<string, Manifest>>;
  };
  const places = Object.keys(lock.packages).filter((place) => !place.includes('node_modules'));
  const manifests = places.map(
    (place) =>
      JSON.parse(readFileSync(`${root}/${place === '' ? '' : `${place}/`}package.json`, 'utf8')) as Manifest,
  );
  return dependencyMistakes(directDependencies(manifests), readFileSync(`${root}/${PAGE}`, 'utf8'));
}
