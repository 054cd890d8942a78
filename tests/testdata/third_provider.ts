// A provider that brings copies of dt's modules: core from its own place, and tracepoints() from
// the URL in its options.

import { DtError } from "../../core/errors.ts";
import type { Core, Provider } from "../../core/plugin/mod.ts";

const url = new URL(import.meta.url).searchParams.get("static")!;
const { tracepoints } = await import(url) as typeof import("../../providers/static/mod.ts");
const points = tracepoints("third", { hello: ["string", "u32"] });

export default function (core: Core): Provider {
  const name = "third:tick";
  return {
    contract: core.PROVIDER_CONTRACT,
    name: "third",
    probes: () => [{ name, args: [] }],
    provide(wanted) {
      // DtError is another class of the same name here, so btrace must recognize the error by its
      // code.
      if (wanted === "third:bad") {
        throw new DtError("EINVAL", "Cannot tick badly", { operation: "enable" });
      }
      return wanted === name ? { name, args: [] } : undefined;
    },
    alloc: (probe, request, session) => core.userPcb(probe, request, session, "ticks"),
    dealloc() {},
    attachments: (pcbs) => [{
      plane: "user",
      pcbs,
      run({ enter, signal }) {
        const events = new core.OwnEvents();
        let count = 0;
        const timer = setInterval(() => {
          enter(pcbs[0], events.event([]));
          points.hello("from afar", ++count);
        }, 10);
        return new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            clearInterval(timer);
            events[Symbol.dispose]();
            resolve();
          })
        );
      },
    }],
  };
}
