/** The package.json of a built package, made from the one that the checkout works with. */

/** `exports` of a package in the checkout: entry point -> TypeScript file. */
type SourceExports = Readonly<Record<string, string>>;

export interface SourceManifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license?: string;
  readonly exports: SourceExports;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const SCOPE = '@afterwrite/';
/** The oldest Node that runs the emitted JavaScript and that its dependencies accept. */
const ENGINES = { node: '>=20.19' };
const FILES = ['**/*.js', '**/*.d.ts', '**/*.js.map'];

/** Entry points under src/; others, such as `./testing`, serve the checkout's own tests and are not shipped. */
function shipped(manifest: SourceManifest): [name: string, path: string][] {
  return Object.entries(manifest.exports).filter(([, path]) => /^\.\/src\/.*\.ts$/.test(path));
}

/** From the package's folder: `['./src/index.ts']`. */
export function sourceEntryPoints(manifest: SourceManifest): string[] {
  return shipped(manifest).map(([, path]) => path);
}

export function publishedManifest(manifest: SourceManifest): Record<string, unknown> {
  const { name, version, description, license, dependencies = {}, peerDependencies } = manifest;
  const exports = shipped(manifest).map(([entry, path]) => {
    const base = path.replace(/^\.\/src\//, './').replace(/\.ts$/, '');
    return [entry, { types: `${base}.d.ts`, default: `${base}.js` }] as const;
  });
  // Our packages are released together, so each asks for exactly the others' version it was built with.
  const pinned = Object.entries(dependencies).map(([dependency, range]) => {
    return [dependency, dependency.startsWith(SCOPE) ? version : range] as const;
  });
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    engines: ENGINES,
    exports: Object.fromEntries(exports),
    files: FILES,
    dependencies: Object.fromEntries(pinned),
    peerDependencies,
  };
}
