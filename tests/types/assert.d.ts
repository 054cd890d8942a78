/** Fails unless the condition holds. */
export function assert(condition: unknown, message?: string): asserts condition;
/** Fails unless both values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
/** Fails unless the first string contains the second. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void;
/** Fails unless the string matches the expression. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void;
/** Fails unless the function throws; returns the error that was thrown. */
export function assertThrows(fn: () => unknown, message?: string): unknown;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any
  errorClass: new (...args: any[]) => E,
): E;
/** Fails unless the promise rejects; resolves to the error of the rejection. */
export function assertRejects(fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
export function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any
  kind: new (...args: any[]) => E,
  message?: string,
): Promise<E>;
