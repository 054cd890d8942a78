// The only door of the tools to packages from npm. A package that few runs need is loaded when a run
// first wants that package: its name is no literal of an import, so that Deno does not fetch the package
// before a tool runs.

// @ts-types="./types/parse_args.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";

import type * as Transport from "npm:@nats-io/transport-node@3.4.0";
import type * as JetStream from "npm:@nats-io/jetstream@3.4.0";
import type * as NkeysModule from "npm:@nats-io/nkeys@2.0.3";

const NATS = "npm:@nats-io/transport-node@3.4.0" as string;
const JETSTREAM = "npm:@nats-io/jetstream@3.4.0" as string;
const NKEYS = "npm:@nats-io/nkeys@2.0.3" as string;

const PPROF = "npm:pprof-format@2.3.2" as string;

/** The part of the package pprof-format that the tools use: classes of the messages of profile.proto. */
export interface Pprof {
  /** The table of texts, which messages refer to by index. */
  readonly StringTable: new () => { dedup(text: string): number };
  /** The message of a whole profile, which encodes itself as bytes. */
  readonly Profile: new (fields: Record<string, unknown>) => { encode(): Uint8Array };
  /** The meaning and the unit of a sample's value. */
  readonly ValueType: new (fields: Record<string, unknown>) => object;
  /** Values of one stack, with its locations and labels. */
  readonly Sample: new (fields: Record<string, unknown>) => object;
  /** A key with a value that a sample carries. */
  readonly Label: new (fields: Record<string, unknown>) => object;
  /** A file that is mapped into the process's memory. */
  readonly Mapping: new (fields: Record<string, unknown>) => object;
  /** An address in a stack, with its lines. */
  readonly Location: new (fields: Record<string, unknown>) => object;
  /** A line of source within a function. */
  readonly Line: new (fields: Record<string, unknown>) => object;
  /** A function by its name and its file. */
  readonly Function: new (fields: Record<string, unknown>) => object;
}

/** Loads the package that writes pprof files. */
export async function loadPprof(): Promise<Pprof> {
  return await import(PPROF) as Pprof;
}

/** A connection to a server of NATS. */
export type NatsConnection = Transport.NatsConnection;

/** The part of the package nkeys that the tools use: ed25519 keys in NATS' writing. */
export type Nkeys = Pick<typeof NkeysModule, "createUser" | "fromPublic" | "fromSeed">;

/** The parts of the packages of NATS that the tools use. */
export interface Nats {
  /** Connects to a server. */
  readonly connect: typeof Transport.connect;
  /** Makes the proof of identity from a file of credentials. */
  readonly credsAuthenticator: typeof Transport.credsAuthenticator;
  /** Makes the proof of identity from the seed of a key. */
  readonly nkeyAuthenticator: typeof Transport.nkeyAuthenticator;
  /** Makes the client that publishes to streams and reads them. */
  readonly jetstream: typeof JetStream.jetstream;
  /** Makes the client that makes streams. */
  readonly jetstreamManager: typeof JetStream.jetstreamManager;
  /** The package of the keys that sign. */
  readonly nkeys: Nkeys;
}

/** Loads the packages of NATS. */
export async function loadNats(): Promise<Nats> {
  const [transport, jetstream, nkeys] = await Promise.all([
    import(NATS) as Promise<typeof Transport>,
    import(JETSTREAM) as Promise<typeof JetStream>,
    import(NKEYS) as Promise<typeof NkeysModule>,
  ]);
  const { connect, credsAuthenticator, nkeyAuthenticator } = transport;
  const { jetstream: client, jetstreamManager } = jetstream;
  return {
    ...{ connect, credsAuthenticator, nkeyAuthenticator, jetstream: client, jetstreamManager },
    nkeys,
  };
}
