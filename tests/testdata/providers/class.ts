// A module that exports a class where a function that makes a provider is expected.
export default class {
  readonly name = "class";
}
