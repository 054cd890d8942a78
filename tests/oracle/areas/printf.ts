// Conversions of printf(): each with flags, widths, modifiers, and with every kind of value.

const CONVERSIONS = ["d", "i", "u", "x", "X", "o", "c", "p", "s", "r", "rx", "rh"];
const INTEGERS = ["d", "u", "x", "X", "o"];
const MODIFIERS = ["hh", "h", "l", "ll", "j", "z", "t", "L"];
const FLAGS = ["-", "+", " ", "#", "0", "-0", "+0", "'"];
const VALUES = [
  "0",
  "-1",
  "65",
  "(uint8)200",
  "(int8)-100",
  "(int64)-1",
  "(uint64)-1",
  "true",
  '"text"',
  "(int8 *)16",
  '(1, "a")',
  "(a=1, b=true)",
  'comm == "none"',
  'buf("a\\x01z", 3)',
];

const format = (text: string, ...values: string[]) =>
  `BEGIN { printf("[${text}]\\n", ${values.join(", ")}); }`;

export const entries: string[] = [
  ...CONVERSIONS.flatMap((conversion) => VALUES.map((value) => format(`%${conversion}`, value))),
  ...INTEGERS.flatMap((conversion) =>
    MODIFIERS.map((modifier) =>
      format(
        `%${modifier}${conversion} %${modifier}${conversion}`,
        "0x1ffffff85",
        "(int64)-130",
      )
    )
  ),
  ...["d", "x", "s", "c", "p", "r"].flatMap((conversion) =>
    FLAGS.map((flag) => {
      const value = { s: '"abc"', r: 'buf("abc", 3)', p: "0xff00" }[conversion] ?? "97";
      return format(`%${flag}8${conversion}|%${flag}${conversion}`, value, value);
    })
  ),
  ...["d", "x", "u", "s", "o"].flatMap((conversion) =>
    [".0", ".2", "8.3", "-8.3", "08.3", ".10"].map((precision) =>
      format(`%${precision}${conversion}`, conversion === "s" ? '"abcdef"' : "12345")
    )
  ),
];
