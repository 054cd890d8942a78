// Gathers what the hosts publish about a job, and knows what is missing of it: hosts that were there and have
// not answered, snapshots that a host has made and that have not arrived, gaps in the records.

import type { Bus } from "./bus.ts";
import { type Answer, type HostReport, readAnswer, readRecords } from "./job.ts";
import { FleetMaps } from "./merge.ts";
import { readSnapshot } from "./snapshot.ts";

/** Text of a record with the host that it comes from. */
export type OnRecord = (host: string, text: string) => void;

/** Follows a job until {@linkcode Collector.end}. */
export class Collector {
  /** The maps of all hosts. */
  readonly maps: FleetMaps = new FleetMaps();
  readonly #answers = new Map<string, Answer>();
  readonly #expected = new Set<string>();
  /** Records seen of each incarnation. */
  readonly #records = new Map<string, { next: number; gaps: number }>();
  readonly #ending = new AbortController();
  readonly #onRecord: OnRecord;
  #bad = 0;
  /** What ended the following too early. */
  #failed?: Error;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #followers: Promise<void>[];

  /** Begins to follow a job. */
  constructor(bus: Bus, id: string, onRecord: OnRecord) {
    this.#onRecord = onRecord;
    const follow = async (
      stream: "answers" | "maps" | "records",
      words: string[],
      take: (words: readonly string[], text: string) => void,
    ) => {
      for await (const one of bus.follow(stream, words, this.#ending.signal)) {
        try {
          take(one.words, one.text);
        } catch {
          // Anybody may write to the bus; a message that is none of ours is counted.
          this.#bad++;
        }
        this.#changed.resolve();
      }
    };
    this.#followers = [
      follow("answers", [id, "*"], (words, text) => this.#takeAnswer(words, text)),
      follow("maps", [id, "*", "*", "*", "*"], (words, text) => this.#takeSnapshot(words, text)),
      follow("records", [id, "*", "*"], (words, text) => this.#takeRecords(words, text)),
    ].map((follower) => follower.catch((error) => this.#failed = error));
  }

  /** Hosts from which an answer is expected. */
  expect(hosts: Iterable<string>): void {
    for (const host of hosts) this.#expected.add(host);
  }

  /** Messages that could not be read. */
  get unreadable(): number {
    return this.#bad;
  }

  /** Labels of a host that has answered. */
  labelsOf(host: string): Answer["labels"] {
    return this.#answers.get(host)?.labels ?? {};
  }

  /** What is known of each host, by name. */
  hosts(): HostReport[] {
    const names = new Set([...this.#expected, ...this.#answers.keys()]);
    return [...names].sort().map((host) => {
      const answer = this.#answers.get(host);
      if (answer === undefined) return { host, phase: "silent", reason: "", lost: {}, missing: [] };
      const { phase, reason, incarnation, numbers } = answer;
      const origin = { host, incarnation };
      const missing = Object.entries(numbers).filter(([place, number]) => {
        const at = place.lastIndexOf("/");
        return this.maps.numberOf(origin, place.slice(0, at), Number(place.slice(at + 1))) < number;
      });
      const lost: Record<string, number> = { ...answer.lost };
      const gaps = this.#gapsOf(answer);
      if (gaps > 0) lost["records on the way"] = gaps;
      return { host, phase, reason, lost, missing: missing.map(([place]) => place) };
    });
  }

  /** True if every host that is known has ended or refused, and nothing of its result is missing. */
  get complete(): boolean {
    const hosts = this.hosts();
    return hosts.length > 0 && hosts.every(({ phase, missing, lost }) =>
      phase === "refused" ||
      phase === "ended" && missing.length === 0 && lost["records on the way"] === undefined
    );
  }

  /**
   * Waits until everything is there, or for so long; `signal` ends the wait.
   *
   * @throws {Error} The server does not let this connection read.
   */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    const until = performance.now() + ms;
    while (!this.complete && !signal.aborted) {
      if (this.#failed !== undefined) throw this.#failed;
      const left = until - performance.now();
      if (left <= 0) return;
      const timer = Promise.withResolvers<void>();
      const number = setTimeout(timer.resolve, Math.min(left, 250));
      await Promise.race([this.#changed.promise, timer.promise]);
      clearTimeout(number);
      this.#changed = Promise.withResolvers();
    }
  }

  /** Stops following the job's messages. */
  async end(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#followers);
  }

  #takeAnswer([, host]: readonly string[], text: string): void {
    const answer = readAnswer(text);
    if (answer.host !== host) throw new RangeError("an answer in the name of another host");
    const known = this.#answers.get(host);
    if (known === undefined || known.incarnation <= answer.incarnation) {
      this.#answers.set(host, answer);
    }
  }

  #takeSnapshot([, host, incarnation, map, shard]: readonly string[], text: string): void {
    const snapshot = readSnapshot(text);
    if (map !== `@${snapshot.map}` || Number(shard) !== snapshot.shard) {
      throw new RangeError("a snapshot in the place of another one");
    }
    this.maps.accept({ host, incarnation: incarnationOf(incarnation) }, snapshot);
  }

  #takeRecords([, host, incarnation]: readonly string[], message: string): void {
    const { first, texts } = readRecords(message);
    const id = JSON.stringify([host, incarnationOf(incarnation)]);
    const state = this.#records.getOrInsertComputed(id, () => ({ next: 0, gaps: 0 }));
    // A batch that was stored twice, because its acknowledgement was lost, is shown once.
    const known = Math.max(0, state.next - first);
    if (first > state.next) state.gaps += first - state.next;
    for (const text of texts.slice(known)) this.#onRecord(host, text);
    state.next = Math.max(state.next, first + texts.length);
  }

  /** Records that the host has made and that have not arrived. */
  #gapsOf({ host, incarnation, records, phase }: Answer): number {
    const { next, gaps } = this.#records.get(JSON.stringify([host, incarnation])) ??
      { next: 0, gaps: 0 };
    return gaps + (phase === "ended" ? Math.max(0, records - next) : 0);
  }
}

function incarnationOf(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError("an invalid incarnation");
  return number;
}
