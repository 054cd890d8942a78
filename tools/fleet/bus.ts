// NATS as the fleet uses it: four streams, of which three keep the last message of each subject. What is
// retained there is all that agents and collectors that come late need.

import { loadNats, type Nats, type NatsConnection } from "../cli/deps.ts";
import { UsageError } from "../cli/command_line.ts";

/** First words of all subjects. */
const ROOT = "dt.fleet";

/** Subject on which agents are asked who they are. */
export const HOSTS = `${ROOT}.hosts`;

/** Days for which messages are kept. */
const KEPT_NS = 7 * 86_400 * 1e9;

/** The streams: names, subjects, and whether only the last message of a subject is kept. */
const STREAMS = {
  jobs: { name: "DT_FLEET_JOBS", subject: "job.*", last: true },
  answers: { name: "DT_FLEET_ANSWERS", subject: "answer.*.*", last: true },
  maps: { name: "DT_FLEET_MAPS", subject: "maps.*.*.*.*.*", last: true },
  records: { name: "DT_FLEET_RECORDS", subject: "records.*.*.*", last: false },
} as const;

/** Name of a stream. */
export type StreamName = keyof typeof STREAMS;

/** Words of a subject for anything: dots and wildcards are escaped. */
function word(value: string | number): string {
  return encodeURIComponent(`${value}`).replace(/[.*]/g, (c) => c === "." ? "%2E" : "%2A") || "%";
}

/** The subject of a message in a stream: `*` stands for any word. */
function subjectOf(stream: StreamName, words: readonly (string | number)[]): string {
  const [kind] = STREAMS[stream].subject.split(".");
  return [ROOT, kind, ...words.map((one) => one === "*" ? one : word(one))].join(
    ".",
  );
}

/** A message of a stream. */
export interface BusMessage {
  /** Words of the subject, such as the job and the host. */
  readonly words: readonly string[];
  /** Text of the message itself. */
  readonly text: string;
  /** When the server has stored the message, in ms since 1970. */
  readonly storedMs: number;
  /** How many messages of the stream wait behind this one. */
  readonly pending: number;
}

/** How to reach the server. */
export interface BusOptions {
  /** Addresses, separated by commas: `nats://…` or `tls://…`. */
  readonly servers: string;
  /** File with the credentials of a user, as nsc(1) writes it. */
  readonly creds?: string;
  /** File with the certificate of the authority that the server's is checked against. */
  readonly ca?: string;
  /** Key that signs jobs, and by which a server may admit its owner; not used beside credentials. */
  readonly seed?: Uint8Array;
  /** Name of this connection in the server's lists. */
  readonly name: string;
}

/** A connection to the server. */
export class Bus implements AsyncDisposable {
  /** The packages of NATS. */
  readonly nats: Nats;
  /** Key of the connection's owner, if any. */
  readonly seed?: Uint8Array;
  readonly #connection: NatsConnection;

  private constructor(nats: Nats, connection: NatsConnection, seed?: Uint8Array) {
    this.nats = nats;
    this.seed = seed;
    this.#connection = connection;
  }

  /**
   * Connects, and makes the streams where there are none.
   *
   * @throws {UsageError} The server cannot be reached or has no JetStream.
   */
  static async open({ servers, creds, ca, seed, name }: BusOptions): Promise<Bus> {
    const nats = await loadNats();
    const list = servers.split(",");
    try {
      const connection = await nats.connect({
        servers: list,
        name,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 500,
        timeout: 5000,
        authenticator: creds !== undefined
          ? nats.credsAuthenticator(Deno.readFileSync(creds))
          : seed === undefined
          ? undefined
          : nats.nkeyAuthenticator(seed),
        ...((ca !== undefined || list.some((one) => one.startsWith("tls:"))) && {
          tls: ca === undefined ? {} : { caFile: ca },
        }),
      });
      const bus = new Bus(nats, connection, seed);
      try {
        await bus.#makeStreams();
      } catch (error) {
        await connection.close();
        throw error;
      }
      return bus;
    } catch (error) {
      throw new UsageError(`cannot use NATS at ${servers}: ${(error as Error).message}`);
    }
  }

  async #makeStreams(): Promise<void> {
    const manager = await this.nats.jetstreamManager(this.#connection);
    for (const { name, subject, last } of Object.values(STREAMS)) {
      await manager.streams.add({
        name,
        subjects: [`${ROOT}.${subject}`],
        max_age: KEPT_NS,
        ...(last ? { max_msgs_per_subject: 1 } : { max_bytes: 256 << 20 }),
      });
    }
  }

  /** Largest message that the server takes, in bytes. */
  get mostBytes(): number {
    return this.#connection.info?.max_payload ?? 1 << 20;
  }

  /**
   * Stores a message; resolves when the server has it.
   *
   * @returns When the server has stored it, in ms since 1970.
   */
  async store(
    stream: StreamName,
    words: readonly (string | number)[],
    text: string,
  ): Promise<void> {
    const { jetstream } = this.nats;
    await jetstream(this.#connection).publish(subjectOf(stream, words), text, { timeout: 5000 });
  }

  /** The last message of a subject; undefined if there is none. */
  async last(
    stream: StreamName,
    words: readonly (string | number)[],
  ): Promise<BusMessage | undefined> {
    const manager = await this.nats.jetstreamManager(this.#connection);
    const found = await manager.streams.getMessage(STREAMS[stream].name, {
      last_by_subj: subjectOf(stream, words),
    }).catch((error: Error) => {
      if (/no message found/i.test(error.message)) return null;
      throw error;
    });
    if (found === null) return undefined;
    return {
      words: wordsOf(found.subject),
      text: new TextDecoder().decode(found.data),
      storedMs: found.time.getTime(),
      pending: 0,
    };
  }

  /** The messages that are retained now. */
  async all(stream: StreamName, words: readonly string[]): Promise<BusMessage[]> {
    const found: BusMessage[] = [];
    const ending = new AbortController();
    for await (const message of this.follow(stream, words, ending.signal, true)) {
      if (message === undefined) break;
      found.push(message);
      if (message.pending === 0) break;
    }
    ending.abort();
    return found;
  }

  /**
   * Messages that are retained, and those to come.
   *
   * @param tellEmpty True to hand out undefined first if nothing is retained.
   */
  follow(
    stream: StreamName,
    words: readonly string[],
    signal: AbortSignal,
    tellEmpty: true,
  ): AsyncGenerator<BusMessage | undefined, void>;
  follow(
    stream: StreamName,
    words: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<BusMessage, void>;
  async *follow(
    stream: StreamName,
    words: readonly string[],
    signal: AbortSignal,
    tellEmpty = false,
  ): AsyncGenerator<BusMessage | undefined, void> {
    const { name, last } = STREAMS[stream];
    const consumer = await this.nats.jetstream(this.#connection).consumers.get(name, {
      filter_subjects: subjectOf(stream, words),
      deliver_policy: last ? "last_per_subject" : "all",
    });
    if (tellEmpty && (await consumer.info()).num_pending === 0) {
      await consumer.delete();
      return yield undefined;
    }
    if (signal.aborted) return;
    const messages = await consumer.consume();
    const stop = () => void messages.close();
    signal.addEventListener("abort", stop);
    try {
      for await (const message of messages) {
        yield {
          words: wordsOf(message.subject),
          text: message.string(),
          storedMs: message.info.timestampNanos / 1e6,
          pending: message.info.pending,
        };
      }
    } finally {
      signal.removeEventListener("abort", stop);
      await messages.close();
      await consumer.delete().catch(() => {});
    }
  }

  /** Answers questions on a subject until disposed. */
  answer(subject: string, text: () => string): Disposable {
    const subscription = this.#connection.subscribe(subject, {
      callback: (_error, message) => {
        try {
          message.respond(text());
        } catch {
          // Whoever asked has left no valid address.
        }
      },
    });
    return { [Symbol.dispose]: () => subscription.unsubscribe() };
  }

  /** Asks everybody; the answers within a time, the first one within five times as much. */
  async ask(subject: string, waitMs: number): Promise<string[]> {
    const answers: string[] = [];
    const found = await this.#connection.requestMany(subject, "", {
      strategy: "stall",
      stall: waitMs,
      maxWait: waitMs * 5,
      maxMessages: -1,
    }).catch((error: Error) => {
      if (/no responders/i.test(error.message)) return [];
      throw error;
    });
    try {
      for await (const message of found) answers.push(message.string());
    } catch (error) {
      if (!/no responders/i.test((error as Error).message)) throw error;
    }
    return answers;
  }

  /** Closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

/** The words of a subject behind its kind. */
function wordsOf(subject: string): string[] {
  return subject.split(".").slice(3).map((one) => {
    try {
      return decodeURIComponent(one);
    } catch {
      return one;
    }
  });
}
