// A provider that lacks one function of the contract.
export default () => ({
  contract: 1,
  name: "partial",
  probes: () => [],
  provide() {},
  alloc: () => [],
  dealloc() {},
});
