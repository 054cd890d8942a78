// Keeps a CPU busy for a number of milliseconds, nearly always in one function: a program to
// profile.
function hotFunction(until: number): number {
  let sum = 0;
  while (performance.now() < until) {
    for (let i = 0; i < 1_000_000; i++) sum += Math.sqrt(i) % 3;
  }
  return sum;
}

function outerFunction(ms: number): number {
  return hotFunction(performance.now() + ms);
}

console.log(outerFunction(Number(Deno.args[0])));
