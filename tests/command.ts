// Runs programs for which a failure is an error of the test.

/**
 * Runs a program to its end.
 *
 * @param expected Exit statuses that count as success.
 * @returns Text that the program wrote to its stdout.
 */
export function run(
  command: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
  expected: readonly number[] = [0],
): string {
  return new TextDecoder().decode(runForBytes(command, args, options, expected));
}

/** Runs a program to its end, and returns the bytes that it wrote to its stdout. */
export function runForBytes(
  command: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
  expected: readonly number[] = [0],
): Uint8Array {
  const { code, stdout, stderr } = new Deno.Command(command, {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).outputSync();
  if (expected.includes(code)) return stdout;
  const reason = new TextDecoder().decode(stderr).trim() || `status ${code}`;
  throw new Error(`${command} ${args.join(" ")} failed: ${reason}`);
}
