// Keys that sign jobs: files with the seed of an ed25519 key in NATS' writing.

import { isOwnFile } from "../../core/sys/trusted_path.ts";
import { loadNats } from "../cli/deps.ts";
import { UsageError } from "../cli/command_line.ts";
import { write } from "../cli/terminal.ts";

/** A key: what signs, and the public part by which others know who has signed. */
export interface Key {
  /** Text that signs, as the file has it. */
  readonly seed: Uint8Array;
  /** Public part of the key: `U…`. */
  readonly publicKey: string;
}

/**
 * Makes a key in a new file that nobody else may read.
 *
 * @throws {UsageError} The file is there already, or cannot be written.
 */
export async function makeKey(path: string): Promise<Key> {
  const pair = (await loadNats()).nkeys.createUser();
  const seed = pair.getSeed();
  try {
    using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    write(file, `${new TextDecoder().decode(seed)}\n`);
  } catch (error) {
    throw new UsageError(`cannot make the key ${path}: ${(error as Error).message}`);
  }
  return { seed, publicKey: pair.getPublicKey() };
}

/**
 * Reads the seed of a key.
 *
 * @throws {UsageError} The file cannot be read.
 */
export function readSeed(path: string): Uint8Array {
  try {
    return new TextEncoder().encode(Deno.readTextFileSync(path).trim());
  } catch (error) {
    throw new UsageError(`cannot read the key ${path}: ${(error as Error).message}`);
  }
}

/**
 * The key of a file that nobody else can have put there; a new one where there is no file.
 *
 * @returns The key, and whether it is new.
 * @throws {UsageError} Others may change the file; the file has no key; it cannot be read or made.
 */
export async function ownKey(
  path: string,
): Promise<{ readonly key: Key; readonly isNew: boolean }> {
  let real: string;
  try {
    real = Deno.realPathSync(path);
  } catch {
    return { key: await makeKey(path), isNew: true };
  }
  if (!isOwnFile(real, Deno.uid() ?? 0)) {
    throw new UsageError(`cannot use the key ${path}: others may change the file, or its folder`);
  }
  const seed = readSeed(path);
  try {
    const publicKey = (await loadNats()).nkeys.fromSeed(seed).getPublicKey();
    return { key: { seed, publicKey }, isNew: false };
  } catch (error) {
    throw new UsageError(`cannot use the key ${path}: ${(error as Error).message}`);
  }
}
