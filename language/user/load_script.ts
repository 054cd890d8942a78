// A script on the user plane, ready to run.

import type { Device } from "../../core/device/device.ts";
import type { UserAction } from "../../core/contract/user_action.ts";
import { monotonicTimeNs } from "../../core/sys/clock.ts";
import type { Script } from "../compile.ts";
import {
  type BenchResult,
  type Loaded,
  type LoadOptions,
  SPECIAL,
} from "../model/loaded_script.ts";
import { interpret } from "./interpret.ts";

/** A benchmark runs for at least so long. */
const BENCH_NS = 1_000_000n;

/**
 * Makes a script's functions and enables its probes.
 *
 * @throws {ScriptError} It asks for what only the kernel plane has.
 * @throws {DtError} EOPNOTSUPP a probe that this plane does not have.
 */
export function load(script: Script, device: Device, options: LoadOptions = {}): Loaded {
  const { probes } = script;
  const { actions, maps, plans, records, stacks } = interpret(script, options);
  using stack = new DisposableStack();
  const { pid, take, seccomp } = options;
  const target = pid === undefined ? undefined : { pid, take, seccomp };
  const session = stack.use(device.open({ plane: "user", target, held: options.held }));
  const attachable = probes.filter(({ name }) => !SPECIAL.test(name));
  for (const { name, pbn } of attachable) {
    const action = actions.get(name)!;
    // What an event says is printed before the next one happens.
    const user: UserAction = (event, pbn, site) => {
      const outcome = action(event, pbn, site);
      records.drain();
      return outcome;
    };
    session.enable(pbn, { action: { user } });
  }
  session.prepare();
  const owned = stack.move();
  const loaded: Loaded = {
    session,
    maps,
    plans,
    attachable: attachable.length,
    frames: (number) => stacks.frames(number),
    fire(name) {
      const pbn = probes.find((probe) => probe.name === name)?.pbn;
      if (pbn !== undefined) session.run(name, { user: actions.get(name)! }, pbn);
    },
    bench: (name) => measure(() => loaded.fire(name)),
    drain: () => records.drain(),
    lostRecords: () => 0,
    [Symbol.dispose]: () => owned.dispose(),
    set onRecord(listener: Loaded["onRecord"]) {
      records.onRecord = listener;
    },
  };
  return loaded;
}

function measure(round: () => void): BenchResult {
  let rounds = 0n;
  const start = monotonicTimeNs();
  let now = start;
  for (let more = 1; now - start < BENCH_NS; more *= 2) {
    for (let i = 0; i < more; i++) round();
    rounds += BigInt(more);
    now = monotonicTimeNs();
  }
  return { averageNs: (now - start) / rounds, rounds };
}
