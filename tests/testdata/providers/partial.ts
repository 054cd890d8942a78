// Lacks a function.
export default () => ({
  contract: 1,
  name: "partial",
  probes: () => [],
  provide() {},
  alloc: () => [],
  dealloc() {},
});
