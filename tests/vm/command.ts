// Programs that must succeed.

/**
 * Runs a program to its end.
 *
 * @param expected Statuses that are none of a failure.
 * @returns What it wrote to its standard output.
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
