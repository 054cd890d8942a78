// Pure: no I/O, no FFI.
// A flame graph as one SVG file: complete without its script, so that it can stand in a page as a picture;
// opened in a browser it can be zoomed and searched. Nothing is loaded from elsewhere.

import client from "./flamegraph_client.js" with { type: "text" };
import { formatValue, type Frame, type FrameKind, type Profile, totalOf } from "./profile.ts";

const WIDTH = 1200;
const MARGIN = 12;
const ROW = 17;
const HEADER = 74;
const FOOTER = 30;
/** Width of a character in frames, in units of the SVG. */
const CHARACTER = 7;
/** Least width of a frame that is drawn, in units of the SVG; the file tells the number of omitted frames. */
const NARROWEST = 0.3;
/** Most frames of a stack that are drawn: endless recursion must not make an endless picture. */
const MOST_DEPTH = 400;

/** Hue from and to, saturation, lightness: warm for programs, green for JavaScript, blue for the kernel. */
const COLOURS: Readonly<Record<FrameKind, readonly [number, number, number, number]>> = {
  native: [22, 48, 92, 68],
  javascript: [95, 145, 48, 64],
  kernel: [200, 228, 68, 74],
  process: [220, 221, 8, 80],
};
const KINDS: readonly (readonly [FrameKind, string])[] = [
  ["javascript", "JavaScript"],
  ["native", "native"],
  ["kernel", "kernel"],
];

/** A call, with the calls that it makes. */
interface Call {
  readonly index: number;
  value: number;
  readonly children: Map<number, Call>;
}

/** Draws a profile as a flame graph: the text of an SVG file. */
export function flameGraph(profile: Profile): string {
  const root = mergeCalls(profile);
  const scale = root.value === 0 ? 0 : (WIDTH - 2 * MARGIN) / root.value;
  const placed = place(root, profile.frames, scale);
  const depth = placed.frames.reduce((most, one) => Math.max(most, one.depth + 1), 1);
  const height = HEADER + depth * ROW + FOOTER;
  const bottom = HEADER + (depth - 1) * ROW;
  const body = placed.frames.map((one) => frameElement(one, profile, root.value, scale, bottom));
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="100%" id="graph"
 data-total="${root.value}" data-width="${WIDTH - 2 * MARGIN}" data-margin="${MARGIN}"
 data-character="${CHARACTER}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
 font-size="12">
<style>
.frame { cursor: pointer } .frame:hover rect { stroke: #222; stroke-width: 1 }
.frame rect { rx: 2 } .frame text { pointer-events: none; fill: #1a1a1a }
.gone { display: none } .outer { opacity: .55 } .found rect { fill: #d83bd2 !important }
.button { cursor: pointer; fill: #2456b3 }
@media (prefers-color-scheme: dark) {
.paper { fill: #1b1b1d } .title { fill: #eee } .said { fill: #bbb } #matched { fill: #f08be8 }
.button { fill: #8ab4ff } .frame:hover rect { stroke: #fff }
}
</style>
<rect class="paper" width="${WIDTH}" height="${height}" fill="#fbfbf9"/>
<text class="title" x="${MARGIN}" y="25" font-size="17" font-weight="bold" fill="#222">${
    escape(fit(profile.subject, 100))
  }</text>
<text class="said" x="${MARGIN}" y="46" fill="#555">${
    escape(subtitle(profile, placed.narrow))
  }</text>
${legend()}
<g id="tools"></g>
<text id="details" class="said" x="${MARGIN}" y="${height - 11}" fill="#333"> </text>
<text id="matched" x="${WIDTH - MARGIN}" y="${
    height - 11
  }" fill="#a0179a" text-anchor="end"> </text>
<g id="frames">
${body.join("\n")}
</g>
<script><![CDATA[
${client.replaceAll("]]>", "]] >")}
]]></script>
</svg>
`;
}

function subtitle(profile: Profile, narrow: number): string {
  const { what, durationMs, periodNs } = profile;
  const rate = what === "on-CPU" ? ` at ${Math.round(1e9 / periodNs)} Hz` : "";
  const left = narrow === 0 ? "" : ` · ${narrow} frames too narrow to draw`;
  return `${what} · ${formatValue(profile, totalOf(profile))}${rate} in ${
    (durationMs / 1000).toFixed(1)
  } s${left}`;
}

function legend(): string {
  let x = MARGIN;
  return KINDS.map(([kind, label]) => {
    const [from, to, saturation, lightness] = COLOURS[kind];
    const part = `<rect x="${x}" y="54" width="11" height="11" rx="2" fill="hsl(${
      (from + to) / 2
    } ${saturation}% ${lightness}%)"/><text class="said" x="${
      x + 16
    }" y="64" fill="#555" font-size="11">${label}</text>`;
    x += 16 + label.length * CHARACTER + 16;
    return part;
  }).join("");
}

function mergeCalls({ stacks }: Profile): Call {
  const root: Call = { index: -1, value: 0, children: new Map() };
  for (const { frames, value } of stacks) {
    root.value += value;
    let call = root;
    for (const index of frames.slice(0, MOST_DEPTH)) {
      let child = call.children.get(index);
      if (child === undefined) {
        child = { index, value: 0, children: new Map() };
        call.children.set(index, child);
      }
      child.value += value;
      call = child;
    }
  }
  return root;
}

/** A frame with its position in the picture. */
interface Placed {
  readonly frame: Frame;
  /** Distance from the left, in the profile's units. */
  readonly start: number;
  readonly value: number;
  readonly depth: number;
}

/** Frames wide enough to be seen, callers before callees, siblings by name; and the number of the others. */
function place(root: Call, table: readonly Frame[], scale: number) {
  const all: Frame = { name: "all", kind: "process" };
  const frames: Placed[] = [{ frame: all, start: 0, value: root.value, depth: 0 }];
  let narrow = 0;
  const visit = (call: Call, from: number, depth: number) => {
    const children = [...call.children.values()].sort((a, b) =>
      compare(table[a.index].name, table[b.index].name)
    );
    let start = from;
    for (const child of children) {
      if (child.value * scale < NARROWEST) {
        narrow++;
      } else {
        frames.push({ frame: table[child.index], start, value: child.value, depth });
        visit(child, start, depth + 1);
      }
      start += child.value;
    }
  };
  visit(root, 0, 1);
  return { frames, narrow };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function frameElement(
  { frame, start, value, depth }: Placed,
  profile: Profile,
  total: number,
  scale: number,
  bottom: number,
): string {
  const x = MARGIN + start * scale;
  const width = value * scale;
  const y = bottom - depth * ROW;
  const share = total === 0 ? 0 : value / total * 100;
  const file = frame.file === undefined ? "" : ` ${frame.file}`;
  const title = `${frame.name}${file} (${formatValue(profile, value)}, ${share.toFixed(2)}%)`;
  const label = fit(frame.name, Math.floor((width - 6) / CHARACTER));
  return `<g class="frame" data-s="${start}" data-v="${value}" data-d="${depth}" data-n="${
    escape(frame.name)
  }"><title>${escape(title)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${
    Math.max(0.5, width - 0.5).toFixed(1)
  }" height="${ROW - 1}" fill="${colour(frame)}"/><text x="${(x + 3).toFixed(1)}" y="${y + 12}">${
    escape(label)
  }</text></g>`;
}

/** Text cut to a number of characters; empty if fewer than three would fit. */
function fit(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return characters < 3 ? "" : `${text.slice(0, characters - 1)}…`;
}

/** Colour of a frame, which depends on its kind and name alone: every picture has the same. */
function colour({ name, kind }: Frame): string {
  let hash = 2166136261;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  const at = (hash >>> 0) / 2 ** 32;
  const [from, to, saturation, lightness] = COLOURS[kind];
  const shade = lightness + ((hash >>> 8) % 9) - 4;
  return `hsl(${Math.round(from + at * (to - from))} ${saturation}% ${shade}%)`;
}

/** Text escaped for XML; characters that XML forbids even as entities become `?`. */
function escape(text: string): string {
  return text.toWellFormed().replace(/\p{Cc}|\ufffe|\uffff/gu, "?")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
