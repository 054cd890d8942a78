// A program to profile: it computes in JavaScript, in Deno's native code and in the kernel. The
// picture in the README was made of this program:
//
//   deno run -A tools/profile.ts -F 499 -c 'deno run -A examples/busy.ts 4' -o busy.svg

/** Counts the primes below a limit: runs JavaScript alone. */
function countPrimes(limit: number): number {
  const composite = new Uint8Array(limit);
  let count = 0;
  for (let i = 2; i < limit; i++) {
    if (composite[i]) continue;
    count++;
    for (let j = i * i; j < limit; j += i) composite[j] = 1;
  }
  return count;
}

/**
 * Converts rows to text and back, and sorts them: V8's native code calls JavaScript and is called
 * by it.
 */
function sortRows(count: number): number {
  const rows = Array.from(
    { length: count },
    (_, i) => ({ id: (i * 7919) % count, name: `row ${i}` }),
  );
  const parsed = JSON.parse(JSON.stringify(rows)) as typeof rows;
  return parsed.sort((a, b) => a.id - b.id)[0].id;
}

/** Reads bytes of a file: the kernel does the work. */
function readFile(path: string, bytes: number): number {
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(bytes);
  return file.readSync(buffer) ?? 0;
}

/** Computes a digest: runs Deno's native code on a thread of its own. */
async function digest(bytes: number): Promise<number> {
  const hash = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return new Uint8Array(hash)[0];
}

const seconds = Number(Deno.args[0] ?? 4);
const end = performance.now() + seconds * 1000;
let rounds = 0;
for (; performance.now() < end; rounds++) {
  countPrimes(1_500_000);
  sortRows(8_000);
  for (let i = 0; i < 60; i++) readFile("/dev/zero", 1 << 18);
  await digest(1 << 22);
}
console.log(`${rounds} rounds in ${seconds} s`);
