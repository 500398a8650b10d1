/**
 * Bundles again when a source changes. The bundler is started for that and ended again: it would keep hundreds of
 * megabytes for a change that may never come.
 */
import { type FSWatcher, watch } from 'node:fs';
import { type Bundled, type BundleOptions, bundleFunctions } from './bundle.ts';

/** An editor writes a file in several steps, and a checkout of another branch many files. */
const SETTLE_MS = 100;

export interface WatchHandlers {
  /** A function's bundle has other bytes now. */
  readonly onChanged: (bundled: Bundled) => void;
  /** The sources cannot be bundled as they are; the bundles stay as they were. */
  readonly onFailed: (message: string) => void;
}

export class BundleWatcher {
  readonly #options: BundleOptions;
  readonly #handlers: WatchHandlers;
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #bundling: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: BundleOptions, folders: readonly string[], handlers: WatchHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#watch(folders);
  }

  /** Resolves when nothing is bundled any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    await this.#bundling;
  }

  #watch(folders: readonly string[]): void {
    for (const folder of folders) {
      if (this.#isClosed || this.#watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, this.#onChange);
        // The folder is gone; a change elsewhere says so, too.
        watcher.on('error', () => watcher.close());
        this.#watchers.set(folder, watcher);
      } catch (error) {
        this.#handlers.onFailed(`${folder} cannot be watched: ${String(error)}`);
      }
    }
  }

  readonly #onChange = (): void => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // One at a time: the later one sees what the earlier one missed.
      this.#bundling = (this.#bundling ?? Promise.resolve()).then(() => this.#bundle());
    }, SETTLE_MS);
  };

  async #bundle(): Promise<void> {
    if (this.#isClosed) return;
    try {
      const { bundles, sourceFolders } = await bundleFunctions(this.#options);
      this.#watch(sourceFolders);
      for (const bundled of bundles) if (bundled.isNew) this.#handlers.onChanged(bundled);
    } catch (error) {
      this.#handlers.onFailed(error instanceof Error ? error.message : String(error));
    }
  }
}
