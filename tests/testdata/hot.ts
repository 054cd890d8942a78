// Uses a CPU for so many milliseconds, nearly all of them in one function.
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
