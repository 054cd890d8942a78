// The device of a run: the providers that come with dt and those of the command line.

import { disableFeature } from "../../core/bpf/features.ts";
import { type Device, openDevice } from "../../core/device/device.ts";
import { DtError, errorCode } from "../../core/errors.ts";
import type { Attachment } from "../../core/contract/attachment.ts";
import { isOwnFile } from "../../core/sys/trusted_path.ts";
import { type Provider, PROVIDER_CONTRACT } from "../../core/contract/provider.ts";
import { lazyProviders } from "../../providers/lazy.ts";
import type { Demangle } from "../../providers/mod.ts";
import { UsageError } from "../cli/command_line.ts";
import type { Options } from "./options.ts";
import { fullName } from "../../language/check/probe_names.ts";

/**
 * Opens a device with all providers. Modules of those that the text names are loaded at once; of others,
 * as of those that an imported script names, when they are wanted: see {@linkcode withParts}.
 *
 * @param text The script, or the pattern of a listing; decides whether names of C++ are loaded.
 * @throws {UsageError} A provider of --provider cannot be loaded.
 */
export async function openFor(
  { providers, withoutFeatures }: Options,
  text: string,
): Promise<Device> {
  for (const feature of withoutFeatures) disableFeature(feature);
  const demangle = text.includes(":cpp:") ? await loadNames() : undefined;
  const own = lazyProviders({ demangle });
  await Promise.all(own.filter(mayBeNamed(text)).map((provider) => provider.load()));
  if (providers.length === 0) return openDevice({ providers: own });
  const others = await Promise.all(providers.map(loadProvider));
  try {
    return openDevice({ providers: [...own, ...others] });
  } catch (error) {
    // Two providers share a name, or one follows another version of the contract.
    if (errorCode(error) === undefined) throw error;
    throw new UsageError((error as Error).message);
  }
}

/** Guesses by words in front of colons whether a text names probes of a provider. */
function mayBeNamed(text: string): (provider: Provider) => boolean {
  // The colon may be absent, or a long word would be tried from each of its letters.
  const words = new Set(
    [...text.matchAll(/([\w*?[\]]+)(:?)/g)].filter(([, , colon]) => colon !== "")
      .map(([, word]) => fullName(word)),
  );
  const all = [...words].some((word) => /[*?[]/.test(word)) || !/[:{]/.test(text);
  return ({ name }) => all || words.has(name);
}

/** Loads the package that demangles names of C++; undefined if it cannot be loaded. */
async function loadNames(): Promise<Demangle | undefined> {
  const { loadDemangler } = await import("../../language/names/packages.ts");
  return await loadDemangler().catch(() => undefined);
}

/** Imports a module and calls its default export with the core's plugin module, which makes the provider. */
async function loadProvider(text: string): Promise<Provider> {
  const fail = (reason: string) => new UsageError(`Cannot load provider ${text}: ${reason}`);
  let made: unknown;
  try {
    const { default: make } = await import(moduleUrl(text)) as { default?: unknown };
    if (typeof make !== "function") {
      throw new TypeError("its default export is no function (core) => Provider");
    }
    made = await make(await import("../../core/plugin/mod.ts"));
  } catch (error) {
    throw fail(firstLine(error));
  }
  const provider = made as Partial<Provider> | null | undefined;
  const name = provider?.name;
  if (typeof name !== "string") {
    throw fail("what its default export returns has no name that probes could begin with");
  }
  if (!/^[a-z]\w*$/.test(name) || fullName(name) !== name || SPECIAL.includes(name)) {
    throw fail(
      `probes cannot begin with '${name}': a name is of small letters, and none that has a meaning`,
    );
  }
  if (provider!.contract !== PROVIDER_CONTRACT) {
    throw fail(
      `it follows version ${
        provider!.contract
      } of the contract, this is version ${PROVIDER_CONTRACT}`,
    );
  }
  const lacks = MEMBERS.find((member) => typeof provider![member] !== "function");
  if (lacks !== undefined) throw fail(`it has no function ${lacks}`);
  return guarded(provider as Provider);
}

const MEMBERS = ["probes", "provide", "alloc", "attachments"] as const;
/** First parts of probe names that belong to the language, not to a provider. */
const SPECIAL = ["begin", "end", "self", "test", "bench"];

/** URL of a module; a path is encoded, as its characters may have a meaning in a URL. */
function moduleUrl(text: string): string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(text)) return text;
  const path = Deno.realPathSync(text);
  if (!isOwnFile(path, Deno.uid() ?? 0)) {
    throw new Error("others may change the file, or its folder");
  }
  return `file://${path.split("/").map(encodeURIComponent).join("/")}`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0];
}

/** Wraps a foreign provider, so that each failure in it becomes one line with the provider's name. */
function guarded(provider: Provider): Provider {
  const { name, contract } = provider;
  const failure = (what: string, error: unknown) =>
    errorCode(error) !== undefined && error instanceof Error
      ? error
      : new DtError("EIO", `Provider ${name} failed in ${what}: ${firstLine(error)}`, {
        operation: what,
        cause: error,
      });
  const call = <T>(what: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      throw failure(what, error);
    }
  };
  const list = <T>(what: string, run: () => T[]): T[] => {
    const found = call(what, run);
    if (Array.isArray(found)) return found;
    throw failure(what, `it returned ${String(found)}, no array`);
  };
  const attachment = (one: Attachment): Attachment =>
    one.plane === "kernel" ? one : {
      plane: "user",
      pcbs: one.pcbs,
      run: (host) =>
        Promise.resolve(call("run", () => one.run(host)))
          .catch((error) => Promise.reject(failure("run", error))),
    };
  return {
    contract,
    name,
    probes: (pattern) => call("probes", () => [...provider.probes(pattern)]),
    provide: (wanted) => call("provide", () => provider.provide(wanted)),
    explain: (wanted) => call("explain", () => provider.explain?.(wanted)),
    isFamily: (wanted) => call("isFamily", () => provider.isFamily?.(wanted) ?? false),
    alloc: (...args) => list("alloc", () => provider.alloc(...args)),
    dealloc: (pcbs) => call("dealloc", () => provider.dealloc?.(pcbs)),
    attachments: (...args) =>
      list("attachments", () => provider.attachments(...args)).map(attachment),
  };
}
