// Throws when it is called.
export default () => {
  throw new TypeError("no luck\nat all");
};
