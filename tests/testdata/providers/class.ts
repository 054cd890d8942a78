// Exports a class.
export default class {
  readonly name = "class";
}
