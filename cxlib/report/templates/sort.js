"use strict";
for (const table of document.querySelectorAll(".scroll > table")) {
  const body = table.tBodies[0], head = table.tHead;
  if (!body || !head || body.rows.length < 3) continue;
  const below = head.rows[1] ? [...head.rows[1].cells] : [], heads = [];
  for (const cell of head.rows[0].cells)
    for (let i = 0; i < cell.colSpan; i++) heads.push(cell.colSpan > 1 ? below.shift() : cell);
  const value = (row, at) => {
    const text = row.cells[at] ? row.cells[at].textContent.trim() : "";
    const number = parseFloat(text.replace(/[,<%\s]/g, "").replace("\u2212", "-"));
    return [text, number];
  };
  heads.forEach((cell, at) => {
    if (!cell || !cell.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => {
      const down = cell.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other && other.removeAttribute("aria-sort"));
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
