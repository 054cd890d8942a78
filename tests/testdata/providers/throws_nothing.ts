// Throws while it is loaded.
throw undefined;

export default () => {};
