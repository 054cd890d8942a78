// Pure: no I/O, no FFI.
// The probes of all providers: numbering, lookup, listing.

import { DtError } from "../errors.ts";
import { globMatcher, isPattern, providerOf } from "../contract/probe_name.ts";
import type { Probe, ProbeSpec } from "../contract/probe.ts";
import { type Provider, PROVIDER_CONTRACT } from "../contract/provider.ts";

/**
 * Numbers probes from 1, in the order in which they are first named; a number once given stays.
 * Only probes that a pattern matches are described, so that large families of probes cost nothing.
 */
export class Registry {
  readonly #providers = new Map<string, Provider>();
  readonly #byName = new Map<string, Probe>();
  readonly #byNumber: Probe[] = [];
  readonly #providerByNumber: Provider[] = [];

  /**
   * Takes the providers in listing order.
   *
   * @throws {DtError} EEXIST two providers of one name; EINVAL a provider for another version of
   * the contract.
   */
  constructor(providers: Iterable<Provider>) {
    for (const provider of providers) {
      if (provider.contract !== PROVIDER_CONTRACT) {
        throw new DtError(
          "EINVAL",
          `Cannot use provider ${provider.name}: it follows version ${provider.contract} of the ` +
            `contract, this is version ${PROVIDER_CONTRACT}`,
          { operation: "open" },
        );
      }
      if (this.#providers.has(provider.name)) {
        throw new DtError("EEXIST", `Cannot use two providers named ${provider.name}`, {
          operation: "open",
        });
      }
      this.#providers.set(provider.name, provider);
    }
  }

  /** Names of the providers. */
  get providers(): string[] {
    return [...this.#providers.keys()];
  }

  /** The probe of that full name, or undefined. */
  lookup(name: string): Probe | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const provider = this.#providers.get(providerOf(name));
    const spec = provider?.provide(name);
    return spec === undefined ? undefined : this.#register(spec, provider!);
  }

  /** The probe of that number, or undefined. */
  number(pbn: number): Probe | undefined {
    return this.#byNumber[pbn - 1];
  }

  /** Why there is no probe of that name, if its provider can tell. */
  explain(name: string): string | undefined {
    return this.#providers.get(providerOf(name))?.explain?.(name);
  }

  /** The provider that a registered probe comes from. */
  providerOf({ pbn }: Probe): Provider {
    return this.#providerByNumber[pbn - 1];
  }

  /** Every probe whose full name matches, registered: in the providers' order. */
  *match(pattern: string): Generator<Probe> {
    const named = this.#providers.get(providerOf(pattern));
    if (named?.isFamily?.(pattern)) {
      for (const spec of named.probes(pattern)) yield this.#register(spec, named);
      return;
    }
    if (!isPattern(pattern)) {
      const probe = this.lookup(pattern);
      if (probe !== undefined) yield probe;
      return;
    }
    for (const [provider, spec] of this.#list(pattern)) {
      // Listings also name families without end ("interval:hz:"), which are no probes.
      const described = provider.provide(spec.name);
      if (described !== undefined) yield this.#register(described, provider);
    }
  }

  /** The same without giving numbers: for listings. */
  *list(pattern = "*"): Generator<ProbeSpec> {
    for (const [, spec] of this.#list(pattern)) yield spec;
  }

  *#list(pattern: string): Generator<[Provider, ProbeSpec]> {
    const matches = globMatcher(pattern);
    const matchesProvider = globMatcher(providerOf(pattern));
    for (const provider of this.#providers.values()) {
      // "*" may also stand for the whole of "provider:function".
      if (!matchesProvider(provider.name) && !providerOf(pattern).includes("*")) continue;
      const isFamily = provider.isFamily?.(pattern);
      for (const spec of provider.probes(pattern)) {
        if (isFamily || matches(spec.name)) yield [provider, spec];
      }
    }
  }

  #register(spec: ProbeSpec, provider: Provider): Probe {
    let probe = this.#byName.get(spec.name);
    if (probe === undefined) {
      probe = freeze(this.#byNumber.length + 1, spec);
      this.#byName.set(spec.name, probe);
      this.#byNumber.push(probe);
      this.#providerByNumber.push(provider);
    }
    return probe;
  }
}

/** A probe with its number; the probe and all plain objects and arrays in it are frozen copies. */
function freeze(pbn: number, spec: ProbeSpec): Probe {
  return frozen({ ...spec, pbn }) as Probe;
}

/** Copies and freezes plain data; what a provider has made of a class of its own stays the provider's. */
function frozen(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(frozen));
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.freeze(
    Object.fromEntries(Object.entries(value).map(([name, one]) => [name, frozen(one)])),
  );
}
