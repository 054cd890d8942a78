// Pure: no I/O, no FFI.
// strftime(3) in local time, with bpftrace's %f, %l and %k for parts of a second.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = (
  "January February March April May June July August September October November December"
).split(" ");

/** Formats nanoseconds since the epoch. */
export function strftime(format: string, ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  const fraction = ns % 1_000_000_000n;
  return format.replace(/%([A-Za-z%])/g, (all, c) => field(c, date, fraction) ?? all);
}

function pad(value: number | bigint, width: number, fill = "0"): string {
  return String(value).padStart(width, fill);
}

function field(c: string, date: Date, fraction: bigint): string | undefined {
  const hour = date.getHours();
  const hour12 = hour % 12 === 0 ? 12 : hour % 12;
  const year = date.getFullYear();
  const inner = (format: string) =>
    format.replace(/%([A-Za-z%])/g, (_, one) => field(one, date, fraction)!);
  switch (c) {
    case "f":
      return pad(fraction / 1000n, 6);
    case "l":
      return pad(fraction / 1_000_000n, 3);
    case "k":
      return pad(fraction, 9);
    case "a":
      return DAYS[date.getDay()].slice(0, 3);
    case "A":
      return DAYS[date.getDay()];
    case "b":
    case "h":
      return MONTHS[date.getMonth()].slice(0, 3);
    case "B":
      return MONTHS[date.getMonth()];
    case "c":
      return inner("%a %b %e %H:%M:%S %Y");
    case "C":
      return pad(Math.floor(year / 100), 2);
    case "d":
      return pad(date.getDate(), 2);
    case "D":
    case "x":
      return inner("%m/%d/%y");
    case "e":
      return pad(date.getDate(), 2, " ");
    case "F":
      return inner("%Y-%m-%d");
    case "H":
      return pad(hour, 2);
    case "I":
      return pad(hour12, 2);
    case "j": {
      const start = new Date(year, 0, 1).getTime();
      const midnight = new Date(year, date.getMonth(), date.getDate()).getTime();
      return pad(Math.round((midnight - start) / 86_400_000) + 1, 3);
    }
    case "m":
      return pad(date.getMonth() + 1, 2);
    case "M":
      return pad(date.getMinutes(), 2);
    case "n":
      return "\n";
    case "p":
      return hour < 12 ? "AM" : "PM";
    case "P":
      return hour < 12 ? "am" : "pm";
    case "r":
      return inner("%I:%M:%S %p");
    case "R":
      return inner("%H:%M");
    case "s":
      return String(Math.floor(date.getTime() / 1000));
    case "S":
      return pad(date.getSeconds(), 2);
    case "t":
      return "\t";
    case "T":
    case "X":
      return inner("%H:%M:%S");
    case "u":
      return String(date.getDay() === 0 ? 7 : date.getDay());
    case "w":
      return String(date.getDay());
    case "y":
      return pad(year % 100, 2);
    case "Y":
      return String(year);
    case "z": {
      const minutes = -date.getTimezoneOffset();
      const magnitude = Math.abs(minutes);
      return (minutes < 0 ? "-" : "+") + pad(Math.floor(magnitude / 60), 2) +
        pad(magnitude % 60, 2);
    }
    case "Z":
      return new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date)
        .find(({ type }) => type === "timeZoneName")?.value ?? "";
    case "%":
      return "%";
  }
  return undefined;
}

/** `2026-01-31 23:59:59.000000000`: nanoseconds since 1970, in UTC. */
export function utcTime(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19).replace("T", " ");
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
}
