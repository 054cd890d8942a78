// A module whose function returns no provider.
export default () => undefined;
