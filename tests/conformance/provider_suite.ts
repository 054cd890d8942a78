// What every provider must do, run on each of them.

import { assert, assertEquals } from "@std/assert";
import { openDevice, type Provider, PROVIDER_CONTRACT, type Session } from "../../core/mod.ts";
import { codeOf, kernelTest } from "../helpers.ts";

/** A provider and how to make one of its probes fire. */
export interface ProviderCase {
  /** Makes it. */
  readonly make: () => Provider;
  /** What to list, for a provider whose probes have no end. */
  readonly pattern?: string;
  /** A probe that {@linkcode ProviderCase.fire} fires on the kernel plane. */
  readonly kernelProbe: string;
  /** A second one, which fires as well. */
  readonly otherProbe: string;
  /** Makes the probes fire, if they do not by themselves. */
  readonly fire: () => void;
  /** A probe that fires on the user plane, if the provider has that plane. */
  readonly userProbe?: string;
  /** What it looks at there, if not at this process: a command. */
  readonly userCommand?: string;
  /** Names that have the provider's first word and are no probes. */
  readonly nonsense: readonly string[];
}

async function firstEvent(session: Session, fire: () => void) {
  const timer = setInterval(fire, 5);
  try {
    for await (const event of session) return event;
  } finally {
    clearInterval(timer);
  }
  throw new Error("no event");
}

function messageOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

/** Registers the tests. */
export function providerSuite(one: ProviderCase): void {
  const { name } = one.make();

  Deno.test(`${name}: follows the contract's version and lists its own probes`, () => {
    const provider = one.make();
    assertEquals(provider.contract, PROVIDER_CONTRACT);
    const specs = [...provider.probes(one.pattern)];
    assert(specs.length > 0);
    for (const spec of specs) assert(spec.name.startsWith(`${name}:`), spec.name);
    assertEquals(new Set(specs.map((spec) => spec.name)).size, specs.length);
  });

  Deno.test(`${name}: finds a probe by its full name and nothing by others`, () => {
    const provider = one.make();
    assertEquals(provider.provide(one.kernelProbe)?.name, one.kernelProbe);
    for (const text of one.nonsense) assertEquals(provider.provide(text), undefined, text);
  });

  Deno.test(`${name}: argument names are unique and their places are named`, () => {
    for (const { name, args } of one.make().probes(one.pattern)) {
      assertEquals(new Set(args.map((arg) => arg.name)).size, args.length, name);
      for (const { at } of args) {
        assert(/^(arg\d+|retval|number|field:\w+)$/.test(at), `${name} ${at}`);
      }
    }
  });

  Deno.test(`${name}: enabling attaches nothing and needs no privilege`, () => {
    using session = openDevice({ providers: [one.make()] }).open();
    session.enable(one.kernelProbe);
    assertEquals(codeOf(() => session.enable(one.kernelProbe)), "EEXIST");
    session.disable(one.kernelProbe);
    assertEquals(codeOf(() => session.disable(one.kernelProbe)), "ENOENT");
    session.enable(one.kernelProbe);
  });

  Deno.test(`${name}: an unknown argument is refused with EINVAL`, () => {
    using session = openDevice({ providers: [one.make()] }).open();
    assertEquals(
      codeOf(() => session.enable(one.kernelProbe, { capture: { no_such_argument: "int" } })),
      "EINVAL",
    );
  });

  kernelTest(`${name}: fires on the kernel plane, with every state`, [], async () => {
    using session = openDevice({ providers: [one.make()] }).open();
    session.enable(one.kernelProbe, { states: ["comm", "args", "kstack", "ustack"] });
    session.start();
    const event = await firstEvent(session, one.fire);
    assertEquals(event.probe, one.kernelProbe);
    assert(event.timestampNs > 0n && event.comm !== undefined);
    // A tick may hit user code, which has no kernel stack, or the idle thread, which has no other.
    assert(event.kstack!.length + event.ustack!.length > 0);
  });

  kernelTest(`${name}: what fires together is told apart`, [], async () => {
    using session = openDevice({ providers: [one.make()] }).open();
    session.enable(one.kernelProbe);
    session.enable(one.otherProbe);
    session.start();
    const seen = new Set<string>();
    const timer = setInterval(one.fire, 5);
    for await (const event of session) {
      seen.add(event.probe);
      if (seen.size === 2) break;
    }
    clearInterval(timer);
    assertEquals([...seen].sort(), [one.kernelProbe, one.otherProbe].sort());
  });

  kernelTest(`${name}: counts every firing exactly once`, [], async () => {
    using session = openDevice({ providers: [one.make()] }).open();
    session.enable(one.kernelProbe);
    session.start();
    const timer = setInterval(one.fire, 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    clearInterval(timer);
    session.stop();
    const { fired, recorded, aggregated, dropped, filtered, recursed } = session.stats();
    assert(fired > 0n);
    assertEquals(fired, recorded + aggregated + dropped + filtered + recursed);
  });

  kernelTest(`${name}: stops firing, starts again, and frees everything`, [], async () => {
    using session = openDevice({ providers: [one.make()] }).open();
    session.enable(one.kernelProbe);
    for (let round = 0; round < 2; round++) {
      session.start();
      await firstEvent(session, one.fire);
      session.finish();
    }
    const { fired } = session.stats();
    one.fire();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assertEquals(session.stats().fired, fired);
  });

  const { userProbe, userCommand } = one;
  if (userProbe === undefined || userCommand !== undefined) {
    Deno.test(`${name}: says what the user plane lacks for such a probe`, () => {
      using session = openDevice({ providers: [one.make()] }).open({ plane: "user" });
      const enable = () => session.enable(one.kernelProbe);
      assertEquals(codeOf(enable), "EOPNOTSUPP");
      assert(/CAP_BPF and CAP_PERFMON/.test(messageOf(enable)));
    });
  }
  if (userProbe === undefined) return;
  Deno.test(`${name}: fires on the user plane`, async () => {
    const device = openDevice({ providers: [one.make()] });
    using child = userCommand === undefined ? undefined : device.hold(userCommand);
    using session = device.open({ plane: "user", target: child });
    session.enable(userProbe, { states: ["comm", "args", "ustack"] });
    session.start();
    child?.release();
    const event = await firstEvent(session, child === undefined ? one.fire : () => {});
    assertEquals(event.probe, userProbe);
    assertEquals(event.pid, child?.pid ?? Deno.pid);
    assert(event.timestampNs > 0n && event.comm !== "");
    session.stop();
    const { fired, recorded, dropped, filtered } = session.stats();
    assertEquals(fired, recorded + dropped + filtered);
  });
}
