// A program that passes its own tracepoints every 10 ms, as often as its argument says.
import { tracepoints } from "../../providers/static/mod.ts";

const http = tracepoints("dttest", {
  request: ["string", "u32"],
  done: ["u32", "u64"],
  kinds: ["i32", "i64", "bool", "u64", "string", "i32"],
});

const rounds = Number(Deno.args[0] ?? 200);
console.log("ready");
for (let i = 0; i < rounds; i++) {
  http.request(`/página/${i}`, i);
  http.done(i, 2n ** 63n + BigInt(i));
  http.kinds(-1, -(2n ** 40n), true, 7, "last", -i);
  await new Promise((resolve) => setTimeout(resolve, 10));
}
