"use strict";
const make = (tag, about) => Object.assign(document.createElement(tag), about);

// Heads of tables become buttons that sort.
for (const table of document.querySelectorAll(".scroll > table")) {
  const body = table.tBodies[0], head = table.tHead && table.tHead.rows[0];
  if (!body || !head || body.rows.length < 3) continue;
  const heads = [...head.cells];
  const value = (row, at) => {
    const text = row.cells[at] ? row.cells[at].textContent.trim() : "";
    return [text, parseFloat(text.replace(/[,<%\s]/g, "").replace("\u2212", "-"))];
  };
  heads.forEach((cell, at) => {
    if (!cell.textContent.trim() || cell.colSpan > 1) return;
    const button = make("button", { type: "button" });
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => {
      const down = cell.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [row, ...value(row, at)]);
      const numeric = cell.classList.contains("num");
      rows.sort((a, b) => {
        const one = numeric ? a[2] : a[1], two = numeric ? b[2] : b[1];
        if (numeric && (isNaN(one) || isNaN(two))) return isNaN(one) - isNaN(two);
        const order = numeric ? one - two : one.localeCompare(two, document.documentElement.lang);
        return down ? -order : order;
      });
      body.append(...rows.map((row) => row[0]));
    });
  });
}

// Figures are saved in the colours of paper, whatever the page is in.
const paper = (svg) => {
  const copy = svg.cloneNode(true);
  copy.style.background = "#fff";
  const text = new XMLSerializer().serializeToString(copy);
  return text.replace(/var\(--[\w-]+\s*,\s*([^()]*)\)/g, "$1");
};
const save = (name, href) => make("a", { download: name, href }).click();
const picture = (text) => "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
const pixels = (svg, name) => {
  const image = new Image(), { width, height } = svg.viewBox.baseVal;
  image.onload = () => {
    const canvas = make("canvas", { width: 3 * width, height: 3 * height });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    save(name, canvas.toDataURL("image/png"));
  };
  image.src = picture(paper(svg));
};

// What a mark says is shown under the pointer, and with the arrow keys.
const tip = make("div", { className: "tip", hidden: true });
tip.setAttribute("role", "status");
document.body.append(tip);
const words = new Map();
const tell = (mark) => {
  tip.hidden = !words.has(mark);
  if (tip.hidden) return;
  tip.textContent = words.get(mark);
  const box = mark.getBoundingClientRect(), most = document.documentElement.clientWidth;
  tip.style.left = Math.max(4, Math.min(box.left + box.width / 2 - tip.offsetWidth / 2, most - tip.offsetWidth - 4)) + "px";
  tip.style.top = (box.top > tip.offsetHeight + 8 ? box.top - tip.offsetHeight - 6 : box.bottom + 6) + "px";
};

for (const figure of document.querySelectorAll("figure[data-name]")) {
  const { save: caption, marks: hint } = document.body.dataset, name = figure.dataset.name;
  const full = figure.querySelector("svg.full"), row = make("p", { className: "save" });
  const image = figure.querySelector("img");
  const kinds = full ? { SVG: () => save(name + ".svg", picture(paper(full))), PNG: () => pixels(full, name + ".png") }
    : image ? { PNG: () => save(name + ".png", image.src) } : {};
  for (const [kind, go] of Object.entries(kinds)) {
    const button = make("button", { type: "button", textContent: kind });
    button.addEventListener("click", go);
    button.setAttribute("aria-label", caption.replace("{kind}", kind));
    row.append(button);
  }
  figure.append(row);
  for (const svg of figure.querySelectorAll("svg")) {
    const marks = [...svg.querySelectorAll("title")].map((title) => {
      const mark = title.parentNode;
      words.set(mark, title.textContent);
      title.remove();
      return mark;
    });
    if (!marks.length) continue;
    let at = -1;
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("aria-description", hint);
    svg.addEventListener("pointerover", (event) => {
      let mark = event.target;
      while (mark !== svg && !words.has(mark)) mark = mark.parentNode;
      tell(mark);
    });
    for (const gone of ["pointerleave", "blur"]) svg.addEventListener(gone, () => tell(null));
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") tell(null);
      if (!step) return;
      event.preventDefault();
      at = (at + step + marks.length) % marks.length;
      tell(marks[at]);
    });
  }
}
addEventListener("scroll", () => tell(null), { passive: true });
