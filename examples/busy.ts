// A program to profile: it computes in JavaScript, in Deno's own code and in the kernel. The picture in
// the README is made of it:
//
//   deno run -A tools/profile.ts -F 499 -c 'deno run -A examples/busy.ts 4' -o busy.svg

/** Primes below a limit: JavaScript alone. */
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

/** Rows as text and back, sorted: V8's own code, called from ours and calling ours. */
function sortRows(count: number): number {
  const rows = Array.from(
    { length: count },
    (_, i) => ({ id: (i * 7919) % count, name: `row ${i}` }),
  );
  const parsed = JSON.parse(JSON.stringify(rows)) as typeof rows;
  return parsed.sort((a, b) => a.id - b.id)[0].id;
}

/** Bytes of a file: the kernel does the work. */
function readFile(path: string, bytes: number): number {
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(bytes);
  return file.readSync(buffer) ?? 0;
}

/** A digest: Deno's own code. */
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
