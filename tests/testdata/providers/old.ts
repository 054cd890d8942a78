// A provider for another version of the contract.
export default () => ({ contract: 0, name: "old" });
