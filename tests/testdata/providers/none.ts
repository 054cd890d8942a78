// Returns no provider.
export default () => undefined;
