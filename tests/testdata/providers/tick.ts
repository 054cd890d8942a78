// A good provider with one probe, which never fires; other modules of this folder spoil copies of
// it.
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
