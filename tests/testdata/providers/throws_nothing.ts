// A module that throws undefined while it is loaded.
throw undefined;

export default () => {};
