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
  const { code, stdout, stderr } = new Deno.Command(command, {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).outputSync();
  if (!expected.includes(code)) {
    throw new Error(`${command} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}
