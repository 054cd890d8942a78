// A module whose function throws, with a message of two lines.
export default () => {
  throw new TypeError("no luck\nat all");
};
