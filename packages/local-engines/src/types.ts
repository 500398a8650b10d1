/**
 * The words of this package. A rung is one way to get an engine; a definition is all that is
 * particular to one engine, so another engine is another file in `engines/` and nothing else.
 */
export type EngineName = 'valkey' | 'redis' | 'redis-7' | 'memcached' | 'mysql' | 'mariadb' | 'postgresql';
export type Rung = 'containers' | 'path' | 'debian';
export type Mode = 'auto' | Rung;
export type StopSignal = 'SIGTERM' | 'SIGINT';

/** `process.env` or what stands in for it: PATH, HOME and XDG_CACHE_HOME are read. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface FetchOptions {
  /** The value of LOCAL_ENGINES; `auto` tries containers, PATH, Debian's packages, in this order. */
  readonly mode?: Mode;
  /** Called with one line for each thing that a waiting person wants to know. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Where engines and the register of running servers are kept; default: the user's cache folder. */
  readonly cacheDir?: string;
  /** Default: `process.env`, read at the call. */
  readonly env?: Environment;
}

export interface StartOptions extends FetchOptions {
  /** Folder owned by this set of engines; created. Each engine has its own folder in it. */
  readonly dataDir: string;
  /** Further server arguments; they come last, so they override ours. */
  readonly args?: readonly string[];
  /** Take this port or fail; default: a free one. */
  readonly port?: number;
  /** Join the server that another live process runs from this folder; the last to stop ends it. */
  readonly shared?: boolean;
  /** Name of the folder within `dataDir`, for several servers of one engine; default: the engine's name. */
  readonly instance?: string;
  /** How long the server may take until it answers its protocol; default 60,000. */
  readonly readyTimeoutMs?: number;
}

export interface RunningEngine {
  readonly name: EngineName;
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  readonly source: Rung;
  readonly version: string;
  /** Process id of the server; undefined in a container. */
  readonly pid: number | undefined;
  /** The server's own folder: log, settings that were written, `data/`. */
  readonly dataDir: string;
  /** Leaves the server; the last user's call ends it and waits until it is gone. Repeating it is harmless. */
  stop(): Promise<void>;
  /** SIGKILL, whoever else uses it: for crash tests. The data stays. */
  kill(): Promise<void>;
}

export interface FetchedEngine {
  readonly name: EngineName;
  readonly source: Rung;
  readonly version: string;
}

/** A server program on this machine and how it is started. */
export interface Program {
  readonly source: 'path' | 'debian';
  readonly version: string;
  readonly command: string;
  /** What stands before the server's own arguments: the loader's, when it came with its own libc. */
  readonly leadingArgs: readonly string[];
  /** Where its packages were unpacked; undefined when it belongs to the machine. */
  readonly root: string | undefined;
}

export interface ServerPlace {
  readonly folder: string;
  readonly port: number;
}

/** Everything that a start needs beside the engine's definition. */
export interface Context {
  readonly cacheDir: string;
  readonly env: Environment;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

export type VersionAnswer =
  { readonly ok: true; readonly version: string } | { readonly ok: false; readonly reason: string };

export interface EngineDefinition {
  readonly name: EngineName;
  readonly title: string;
  readonly user?: string;
  readonly password?: string;
  /** Name of the server program on the PATH. */
  readonly programName: string;
  /** Below `/`, folders that hold it though they are not on the PATH; a `*` stands for any version, the newest counts. */
  readonly otherFolders?: string;
  /** Judges what `PROGRAM --version` printed. */
  readonly readVersion: (printed: string) => VersionAnswer;
  readonly debian: {
    readonly packages: readonly string[];
    /** Within the root; a `*` stands for any version, the newest counts. */
    readonly program: string;
    /** Default: Debian's unstable suite. */
    readonly suite?: string;
  };
  readonly container: {
    readonly service: string;
    readonly internalPort: number;
    /** Undefined for one that has no data. */
    readonly dataPath: string | undefined;
    /** Settings of the image, each `NAME=value`. */
    readonly environment: readonly string[];
    /** The whole command line within the image, our arguments first. */
    readonly command: (args: readonly string[]) => readonly string[];
  };
  /** How long a graceful stop may take before SIGKILL. */
  readonly stopTimeoutMs: number;
  /** What asks it to stop; default SIGTERM. */
  readonly stopSignal?: StopSignal;
  /** As root it is run as another user. */
  readonly refusesRoot?: boolean;
  /** In its log when it could not start yet, because processes of its killed predecessor still end: it is tried again. */
  readonly predecessorIsEnding?: RegExp;
  /** Default: newer servers read older data, never the other way round. */
  readonly readsDataOf?: (written: string, running: string) => boolean;
  readonly serverArgs: (program: Program, place: ServerPlace) => readonly string[];
  /** Makes what the first start would otherwise take long to make, once a version, in the cache. */
  readonly prepare?: (program: Program, context: Context) => Promise<void>;
  /** Fills an empty data folder. */
  readonly initialise?: (program: Program, folder: string, context: Context) => Promise<void>;
  /** True when the server at this port answers its protocol and takes commands. */
  readonly probe: (host: string, port: number) => Promise<boolean>;
}

/** What became of a start; the register keeps it. */
export interface StartedServer {
  readonly port: number;
  readonly pid: number | undefined;
  readonly container: string | undefined;
}

export interface StartTask {
  readonly definition: EngineDefinition;
  readonly folder: string;
  readonly args: readonly string[];
  readonly port: number | undefined;
  readonly readyTimeoutMs: number;
  readonly context: Context;
  /** Must be called as soon as the server exists, so that a killed parent's server can be found. */
  readonly onSpawned: (started: StartedServer) => void;
}

/** An engine that can be started: binaries or an image are there. */
export interface Launcher {
  readonly source: Rung;
  readonly version: string;
  prepare(): Promise<void>;
  start(task: StartTask): Promise<StartedServer>;
}
