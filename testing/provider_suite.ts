// The duties of every provider, as tests. dt's own providers pass them.

import { assert, assertEquals, codeOf } from "./assert.ts";
import { kernelPlaneRefusal } from "../core/bpf/permission.ts";
import { PROVIDER_CONTRACT } from "../core/contract/provider.ts";
import { openDevice, type Provider, type Session } from "../core/mod.ts";
import { openDescriptors } from "../core/sys/fd.ts";

/** A provider to test, and the means to make its probes fire. */
export interface ProviderCase {
  /** Makes a new instance of the provider. */
  readonly make: () => Provider;
  /**
   * Pattern to list, for a provider whose probes cannot all be listed; "" if it lists none at all.
   */
  readonly pattern?: string;
  /**
   * Full name of a probe that {@linkcode ProviderCase.fire} fires on the kernel plane, if the
   * provider has such a probe.
   */
  readonly kernelProbe?: string;
  /** Full name of a second probe, which {@linkcode ProviderCase.fire} fires as well. */
  readonly otherProbe?: string;
  /** Makes the probes fire; may do nothing for probes that fire by themselves. */
  readonly fire: () => void;
  /** Full name of a probe that fires on the user plane, if the provider has such a probe. */
  readonly userProbe?: string;
  /** Command that the session on the user plane looks at; by default it looks at this process. */
  readonly userCommand?: string;
  /** Names that begin with the provider's first word and are no probes. */
  readonly nonsense: readonly string[];
}

/** Reads the first event of a session, while `fire` is called every 5 ms. */
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

/** Registers a test that needs the kernel plane. */
export type RegisterTest = (name: string, fn: () => Promise<void>) => void;

/** Leaves out what the machine does not permit, and finds descriptors that stay open. */
const registerTest: RegisterTest = (name, fn) =>
  Deno.test({
    name,
    ignore: kernelPlaneRefusal() !== undefined,
    async fn() {
      const before = openDescriptors();
      await fn();
      // A poller closes its descriptors only after its wait has returned.
      for (let i = 0; openDescriptors().length > before.length && i < 200; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assertEquals(openDescriptors(), before);
    },
  });

/**
 * Registers the duties of every provider as tests of one provider, in a file for `deno test -A`.
 *
 * @param kernelTest Registers tests of the kernel plane; by default with `Deno.test`, left out where bpf(2) is
 * not permitted.
 */
export function providerSuite(one: ProviderCase, kernelTest: RegisterTest = registerTest): void {
  const { name } = one.make();
  const { kernelProbe, otherProbe, userProbe, userCommand } = one;
  const anyProbe = kernelProbe ?? userProbe;
  if (anyProbe === undefined) throw new TypeError("A provider has probes on one plane at least");
  // The tests that only enable use the plane that the provider has.
  const plane = kernelProbe === undefined ? "user" : "kernel";

  Deno.test(`${name}: follows the contract's version and lists its own probes`, () => {
    const provider = one.make();
    assertEquals(provider.contract, PROVIDER_CONTRACT);
    const specs = [...provider.probes(one.pattern)];
    assert(specs.length > 0 || one.pattern === "");
    for (const spec of specs) assert(spec.name.startsWith(`${name}:`), spec.name);
    assertEquals(new Set(specs.map((spec) => spec.name)).size, specs.length);
  });

  Deno.test(`${name}: finds a probe by its full name and nothing by others`, () => {
    const provider = one.make();
    assertEquals(provider.provide(anyProbe)?.name, anyProbe);
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
    using session = openDevice({ providers: [one.make()] }).open({ plane });
    session.enable(anyProbe);
    assertEquals(codeOf(() => session.enable(anyProbe)), "EEXIST");
    session.disable(anyProbe);
    assertEquals(codeOf(() => session.disable(anyProbe)), "ENOENT");
    session.enable(anyProbe);
  });

  Deno.test(`${name}: an unknown argument is refused with EINVAL`, () => {
    using session = openDevice({ providers: [one.make()] }).open({ plane });
    assertEquals(
      codeOf(() => session.enable(anyProbe, { capture: { no_such_argument: "int" } })),
      "EINVAL",
    );
  });

  if (kernelProbe !== undefined) kernelSuite(one, kernelProbe, otherProbe, kernelTest);
  if (userProbe !== undefined) userSuite(one, userProbe);
  if (kernelProbe !== undefined && (userProbe === undefined || userCommand !== undefined)) {
    Deno.test(`${name}: says what the user plane lacks for such a probe`, () => {
      using session = openDevice({ providers: [one.make()] }).open({ plane: "user" });
      const enable = () => session.enable(kernelProbe);
      assertEquals(codeOf(enable), "EOPNOTSUPP");
      assert(/CAP_BPF and CAP_PERFMON/.test(messageOf(enable)));
    });
  }
  if (kernelProbe === undefined) {
    Deno.test(`${name}: says that the kernel plane lacks such a probe`, () => {
      using session = openDevice({ providers: [one.make()] }).open({ plane: "kernel" });
      const enable = () => session.enable(anyProbe);
      assertEquals(codeOf(enable), "EOPNOTSUPP");
      assert(/user plane/.test(messageOf(enable)));
    });
  }
}

function kernelSuite(
  one: ProviderCase,
  kernelProbe: string,
  otherProbe: string | undefined,
  kernelTest: RegisterTest,
): void {
  const { name } = one.make();
  kernelTest(`${name}: fires on the kernel plane, with every state`, async () => {
    using session = openDevice({ providers: [one.make()] }).open();
    session.enable(kernelProbe, { states: ["comm", "args", "kstack", "ustack"] });
    session.start();
    const event = await firstEvent(session, one.fire);
    assertEquals(event.probe, kernelProbe);
    assert(event.timestampNs > 0n && event.comm !== undefined);
    // A tick may hit user code, which has no kernel stack, or the idle thread, which has no user
    // stack.
    assert(event.kstack!.length + event.ustack!.length > 0);
  });

  kernelTest(`${name}: counts every firing exactly once`, async () => {
    using session = openDevice({ providers: [one.make()] }).open();
    session.enable(kernelProbe);
    session.start();
    const timer = setInterval(one.fire, 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    clearInterval(timer);
    session.stop();
    const { fired, recorded, aggregated, dropped, filtered, recursed } = session.stats();
    assert(fired > 0n);
    assertEquals(fired, recorded + aggregated + dropped + filtered + recursed);
  });

  kernelTest(`${name}: stops firing, starts again, and frees everything`, async () => {
    using session = openDevice({ providers: [one.make()] }).open();
    session.enable(kernelProbe);
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

  if (otherProbe === undefined) return;
  kernelTest(`${name}: what fires together is told apart`, async () => {
    using session = openDevice({ providers: [one.make()] }).open();
    session.enable(kernelProbe);
    session.enable(otherProbe);
    session.start();
    const seen = new Set<string>();
    const timer = setInterval(one.fire, 5);
    for await (const event of session) {
      seen.add(event.probe);
      if (seen.size === 2) break;
    }
    clearInterval(timer);
    assertEquals([...seen].sort(), [kernelProbe, otherProbe].sort());
  });
}

function userSuite(one: ProviderCase, userProbe: string): void {
  const { name } = one.make();
  const { userCommand } = one;
  Deno.test(`${name}: fires on the user plane`, async () => {
    const device = openDevice({ providers: [one.make()] });
    using child = userCommand === undefined ? undefined : device.hold(userCommand);
    using session = device.open({ plane: "user", target: child });
    // Other processes of the machine may have events, too.
    const pid = child?.pid ?? Deno.pid;
    session.enable(userProbe, {
      states: ["comm", "args", "ustack"],
      filter: { variable: "pid", operator: "eq", value: pid },
    });
    session.start();
    child?.release();
    const event = await firstEvent(session, child === undefined ? one.fire : () => {});
    assertEquals(event.probe, userProbe);
    assertEquals(event.pid, pid);
    assert(event.timestampNs > 0n && event.comm !== "");
    session.stop();
    const { fired, recorded, dropped, filtered } = session.stats();
    assertEquals(fired, recorded + dropped + filtered);
  });
}
