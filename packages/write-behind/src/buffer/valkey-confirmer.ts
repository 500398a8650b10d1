/**
 * Waits until Valkey or Redis has more than one copy of what was accepted: WAIT for a replica, WAITAOF for its file.
 *
 * Both block their connection, and both speak of what that connection wrote. So each level has a connection of its own,
 * on which a small write comes first; whoever asks while one wait is under way shares the next. WAITAOF's word is not
 * taken for it: see valkey-synced.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigurationError } from '../errors.ts';
import { bufferError, createValkeyClient, type ValkeyClient, type ValkeySettings } from './valkey-client.ts';
import { whenReady } from './valkey-client.ts';
import { SyncWatch } from './valkey-synced.ts';

/** `replica`: in the memory of one replica as well. `aof`: on the primary's disk. */
export type ConfirmLevel = 'replica' | 'aof';

interface Question {
  readonly seqKey: string;
  readonly epoch: string;
}

/** Those who wait together. */
interface Group {
  readonly questions: Map<string, Question>;
  timeoutMs: number;
  /** Names of the questions that were confirmed. */
  readonly confirmed: Promise<ReadonlySet<string>>;
}

/** No wait is longer; each has a limit of its own, after which its connection is given up. */
const MOST_WAIT_MS = 65_000;

export class Confirmer {
  readonly #connection: ValkeySettings;
  readonly #replyMs: number;
  readonly #clients = new Map<ConfirmLevel, ValkeyClient>();
  /** By level, on a cluster also by partition: what is sent together goes to one server. */
  readonly #next = new Map<string, Group>();
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(connection: ValkeySettings) {
    this.#connection = { ...connection, commandTimeoutMs: MOST_WAIT_MS };
    this.#replyMs = connection.commandTimeoutMs;
  }

  /** False if the level was not reached in time, or the epoch has ended. Throws what the server says. */
  async confirm(level: ConfirmLevel, question: Question, timeoutMs: number): Promise<boolean> {
    const name = `${question.seqKey} ${question.epoch}`;
    const group = this.#join(level, question);
    group.questions.set(name, question);
    group.timeoutMs = Math.max(group.timeoutMs, timeoutMs);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<ReadonlySet<string>>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, new Set());
    });
    try {
      return (await Promise.race([group.confirmed, late])).has(name);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.disconnect();
  }

  #join(level: ConfirmLevel, { seqKey }: Question): Group {
    const place = this.#connection.cluster ? `${level} ${seqKey}` : level;
    const waiting = this.#next.get(place);
    if (waiting) return waiting;
    const before = this.#running.get(place) ?? Promise.resolve();
    const asked = before.then(async () => {
      this.#next.delete(place);
      return await this.#ask(level, group);
    });
    const confirmed = level === 'aof' ? asked.then((names) => this.#whenSynced(group, names)) : asked;
    const group: Group = { questions: new Map(), timeoutMs: 0, confirmed };
    this.#next.set(place, group);
    this.#running.set(
      place,
      asked.catch(() => undefined),
    );
    return group;
  }

  async #ask(level: ConfirmLevel, { questions, timeoutMs }: Group): Promise<ReadonlySet<string>> {
    const wait = (pipeline: ReturnType<ValkeyClient['pipeline']>) =>
      level === 'aof' ? pipeline.call('WAITAOF', 1, 0, timeoutMs) : pipeline.wait(1, timeoutMs);
    const { vouched, reply } = await this.#send(level, questions, wait, timeoutMs);
    return Number(Array.isArray(reply) ? reply[0] : reply) >= 1 ? vouched : new Set();
  }

  /** Of those that WAITAOF confirmed, those that are synced on the server that was asked. */
  async #whenSynced(group: Group, names: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    if (names.size === 0) return names;
    const questions = new Map([...group.questions].filter(([name]) => names.has(name)));
    const startMs = performance.now();
    const policy = await this.#syncPolicy(questions);
    if (policy.isAlways) return policy.vouched;
    const watch = new SyncWatch(startMs, policy.syncsBesideChild);
    while (performance.now() - startMs < group.timeoutMs) {
      const { vouched, reply } = await this.#send('aof', questions, (pipeline) =>
        pipeline.info('persistence'),
      );
      if (vouched.size === 0) return vouched;
      for (const name of questions.keys()) if (!vouched.has(name)) questions.delete(name);
      const waitMs = watch.look(String(reply), performance.now());
      if (waitMs === undefined) return vouched;
      await delay(waitMs);
    }
    return new Set();
  }

  /** `appendfsync always` syncs before any reply. Of who may not be asked the worst is assumed. */
  async #syncPolicy(questions: ReadonlyMap<string, Question>) {
    const ask = (pipeline: ReturnType<ValkeyClient['pipeline']>) => pipeline.config('GET', '*appendfsync*');
    try {
      const { vouched, reply } = await this.#send('aof', questions, ask);
      const settings = Array.isArray(reply) ? reply.map(String) : [];
      const valueOf = (name: string) => settings[settings.indexOf(name) + 1];
      const syncsBesideChild = valueOf('no-appendfsync-on-rewrite') === 'no';
      return { isAlways: valueOf('appendfsync') === 'always', syncsBesideChild, vouched };
    } catch {
      return { isAlways: false, syncsBesideChild: false, vouched: new Set<string>() };
    }
  }

  /** Asked of one server in one go: which questions' epochs still stand there, and a last command, which waits `waitMs`. */
  async #send(
    level: ConfirmLevel,
    questions: ReadonlyMap<string, Question>,
    last: (pipeline: ReturnType<ValkeyClient['pipeline']>) => unknown,
    waitMs = 0,
  ): Promise<{ vouched: ReadonlySet<string>; reply: unknown }> {
    try {
      const client = this.#client(level);
      await whenReady(client, this.#connection);
      const pipeline = client.pipeline();
      const scripted = pipeline as unknown as { vouch(key: string, epoch: string): unknown };
      for (const { seqKey, epoch } of questions.values()) scripted.vouch(seqKey, epoch);
      last(pipeline);
      const answers = await this.#answered(level, client, waitMs + this.#replyMs, pipeline.exec());
      const replies = (answers ?? []).map(([error, reply]) => {
        if (error) throw error;
        return reply;
      });
      const reply = replies.pop();
      const names = [...questions.keys()].filter((_name, index) => replies[index] === 1);
      return { vouched: new Set(names), reply };
    } catch (error) {
      const { title } = this.#connection;
      // Nobody waits in vain for a server that will never know.
      if (error instanceof Error && /unknown command.*WAITAOF/i.test(error.message))
        throw withoutWaitaof(title);
      throw bufferError(title, level === 'aof' ? 'WAITAOF' : 'WAIT', [], error);
    }
  }

  /** A wait ends by itself. Where it does not the server is gone without a word: whoever comes next connects anew. */
  async #answered<T>(
    level: ConfirmLevel,
    client: ValkeyClient,
    limitMs: number,
    reply: Promise<T>,
  ): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (this.#clients.get(level) === client) this.#clients.delete(level);
        client.disconnect();
        reject(new Error(`no answer within ${String(limitMs)} ms`));
      }, limitMs);
    });
    try {
      return await Promise.race([reply, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #client(level: ConfirmLevel): ValkeyClient {
    const known = this.#clients.get(level);
    if (known) return known;
    const client = createValkeyClient(this.#connection);
    this.#clients.set(level, client);
    return client;
  }
}

function withoutWaitaof(title: string): ConfigurationError {
  return new ConfigurationError(
    `This ${title} does not know WAITAOF, by which durability 'aof' is seen: Redis does from 7.2 on, every Valkey does. ` +
      "Ask for 'replica' or 'stored' meanwhile.",
  );
}
