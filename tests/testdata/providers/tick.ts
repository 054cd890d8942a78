// Lists a probe.
import type { Core, Provider } from "../../../core/plugin/mod.ts";

export default (core: Core): Provider => ({
  contract: core.PROVIDER_CONTRACT,
  name: "tick",
  probes: () => [{ name: "tick:tock", args: [] }],
  provide: (name) => name === "tick:tock" ? { name, args: [] } : undefined,
  alloc: (probe, request) => [{ probe, request }],
  dealloc() {},
  attachments: () => [],
});
