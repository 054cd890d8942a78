// Runs programs to their end.

/** Runs a program with nothing on its stdin; returns its status and the bytes that it wrote. */
export function completed(
  command: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
): Deno.CommandOutput {
  return new Deno.Command(command, {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).outputSync();
}

/**
 * Runs a program for which a failure is an error of the test.
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

/** The same for bytes instead of text. */
export function runForBytes(
  command: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
  expected: readonly number[] = [0],
): Uint8Array {
  const { code, stdout, stderr } = completed(command, args, options);
  if (expected.includes(code)) return stdout;
  const reason = new TextDecoder().decode(stderr).trim() || `status ${code}`;
  throw new Error(`${command} ${args.join(" ")} failed: ${reason}`);
}
