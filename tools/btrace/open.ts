// The device of a run: the providers that come with dt and those of the command line.

import { disableFeature } from "../../core/bpf/features.ts";
import { type Device, openDevice } from "../../core/device.ts";
import { errorCode } from "../../core/errors.ts";
import { type Provider, PROVIDER_CONTRACT } from "../../core/provider.ts";
import { allProviders } from "../../providers/mod.ts";
import { type Options, UsageError } from "./options.ts";

/**
 * Opens a device with all providers.
 *
 * @throws {UsageError} A provider of --provider cannot be loaded.
 */
export async function openFor({ providers, withoutFeatures }: Options): Promise<Device> {
  for (const feature of withoutFeatures) disableFeature(feature);
  const own = allProviders();
  if (providers.length === 0) return openDevice({ providers: own });
  const others = await Promise.all(providers.map(loadProvider));
  try {
    return openDevice({ providers: [...own, ...others] });
  } catch (error) {
    // Two of one name, or one for another contract.
    if (errorCode(error) === undefined) throw error;
    throw new UsageError((error as Error).message);
  }
}

/** Calls the default export of a module with what providers are given. */
async function loadProvider(text: string): Promise<Provider> {
  const fail = (reason: string) => new UsageError(`Cannot load provider ${text}: ${reason}`);
  let module: { default?: unknown };
  try {
    const url = /^[a-z][a-z0-9+.-]+:/i.test(text) ? text : `file://${Deno.realPathSync(text)}`;
    module = await import(url);
  } catch (error) {
    throw fail((error as Error).message.split("\n")[0]);
  }
  const make = module.default;
  if (typeof make !== "function") {
    throw fail("its default export is no function (core) => Provider");
  }
  const provider = make(await import("../../core/plugin/mod.ts")) as Partial<Provider> | undefined;
  if (typeof provider?.name !== "string" || !/^\w+$/.test(provider.name)) {
    throw fail("what its default export returns has no name that probes could begin with");
  }
  if (provider.contract !== PROVIDER_CONTRACT) {
    throw fail(
      `it follows version ${provider.contract} of the contract, this is version ${PROVIDER_CONTRACT}`,
    );
  }
  const lacks = MEMBERS.find((name) => typeof provider[name] !== "function");
  if (lacks !== undefined) throw fail(`it has no function ${lacks}`);
  return provider as Provider;
}

const MEMBERS = ["probes", "provide", "alloc", "dealloc", "attachments"] as const;
