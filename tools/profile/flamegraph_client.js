// Runs in the browser that shows the picture: zoom by click, search, details of what is pointed at.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const graph = document.getElementById("graph");
  const { total, width, margin, character } = Object.fromEntries(
    Object.entries(graph.dataset).map(([name, value]) => [name, Number(value)]),
  );
  const frames = [...document.querySelectorAll(".frame")].map((element) => ({
    element,
    rect: element.querySelector("rect"),
    text: element.querySelector("text"),
    title: element.querySelector("title").textContent,
    name: element.dataset.n,
    start: Number(element.dataset.s),
    value: Number(element.dataset.v),
    depth: Number(element.dataset.d),
  }));
  const details = document.getElementById("details");
  const matched = document.getElementById("matched");
  let focus = frames[0];

  /** Shows `target` over the whole width, with what it calls and what has called it. */
  function zoom(target) {
    focus = target;
    const end = target.start + target.value;
    const scale = width / target.value;
    for (const { element, rect, text, name, start, value, depth } of frames) {
      const outer = depth < target.depth && start <= target.start && start + value >= end;
      const inner = depth >= target.depth && start >= target.start && start + value <= end;
      const gone = !outer && !inner || inner && value * scale < 0.3;
      element.classList.toggle("gone", gone);
      element.classList.toggle("outer", outer);
      if (gone) continue;
      const x = outer ? margin : margin + (start - target.start) * scale;
      const w = outer ? width : value * scale;
      rect.setAttribute("x", x.toFixed(1));
      rect.setAttribute("width", Math.max(0.5, w - 0.5).toFixed(1));
      text.setAttribute("x", (x + 3).toFixed(1));
      const room = Math.floor((w - 6) / character);
      text.textContent = name.length <= room ? name : room < 3 ? "" : name.slice(0, room - 1) + "…";
    }
    reset.style.display = target === frames[0] ? "none" : "";
    find(search.value);
  }

  /** Marks what matches, and says how much of what is shown it is. */
  function find(pattern) {
    let test = () => false;
    if (pattern !== "") {
      try {
        const expression = new RegExp(pattern, "i");
        test = (name) => expression.test(name);
      } catch {
        const plain = pattern.toLowerCase();
        test = (name) => name.toLowerCase().includes(plain);
      }
    }
    let sum = 0;
    let covered = -1;
    // Frames stand before what they call, and from left to right: what lies in one that counts, does not.
    for (const { element, name, start, value, depth } of frames) {
      const found = depth > 0 && test(name);
      element.classList.toggle("found", found);
      if (!found || start < covered || element.classList.contains("gone")) continue;
      if (element.classList.contains("outer")) {
        sum = focus.value;
        covered = Infinity;
        continue;
      }
      sum += value;
      covered = start + value;
    }
    matched.textContent = pattern === ""
      ? " "
      : `matched: ${(sum / focus.value * 100).toFixed(1)}%`;
  }

  const tools = document.getElementById("tools");
  const reset = document.createElementNS(SVG, "text");
  reset.setAttribute("class", "button");
  reset.setAttribute("id", "reset");
  reset.setAttribute("x", String(margin + width - 300));
  reset.setAttribute("y", "64");
  reset.setAttribute("text-anchor", "end");
  reset.textContent = "reset zoom";
  reset.addEventListener("click", () => zoom(frames[0]));
  const box = document.createElementNS(SVG, "foreignObject");
  for (
    const [name, value] of Object.entries({
      x: margin + width - 280,
      y: 46,
      width: 280,
      height: 26,
    })
  ) {
    box.setAttribute(name, String(value));
  }
  const search = document.createElementNS("http://www.w3.org/1999/xhtml", "input");
  search.setAttribute("id", "search");
  search.setAttribute("placeholder", "search (regular expression)");
  search.setAttribute(
    "style",
    "width:100%;box-sizing:border-box;font:12px monospace;padding:3px 6px;" +
      "border:1px solid #bbb;border-radius:4px;background:#fff;color:#222",
  );
  search.addEventListener("input", () => find(search.value));
  box.append(search);
  tools.append(reset, box);

  for (const frame of frames) {
    frame.element.addEventListener("click", () => zoom(frame));
    frame.element.addEventListener("mouseover", () => details.textContent = frame.title);
    frame.element.addEventListener("mouseout", () => details.textContent = " ");
  }
  globalThis.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "f") {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") {
      search.value = "";
      zoom(frames[0]);
    }
  });
  if (total > 0) zoom(frames[0]);
})();
