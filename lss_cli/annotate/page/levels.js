// The list of the five levels: what is set, and what it was graded as.

/**
 * @param {HTMLElement} list
 * @param {object} shown levels, marks, condition, level (the chosen one), series, severities,
 *   results and faults (by condition and level), stale, proposals
 * @param {{choose(level), absent(level), show(level, place) | null}} act
 */
export function showLevels(list, shown, act) {
  const focused = document.activeElement?.id;
  list.replaceChildren(...shown.levels.map((level, i) => row(level, i, shown, act)));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  const chosen = list.querySelector(".chosen");
  // What was scrolled to stays in sight until another level is chosen.
  if (list.dataset.chosen !== shown.level) chosen?.scrollIntoView({ block: "nearest" });
  list.dataset.chosen = shown.level;
}

/** The picture behind a grade: drawn by the server when it is asked for. */
export function showEvidence(dialog, version, { id, label }, level) {
  const picture = dialog.querySelector("img");
  dialog.querySelector("h2").textContent =
    `${level} ${label.toLowerCase()}: what stands behind the grade`;
  // Without the one before, as long as this one is being drawn.
  picture.removeAttribute("src");
  picture.src = `evidence/${version}/${id}/${level}`;
  dialog.showModal();
}

function row(level, i, shown, act) {
  const { marks, condition, results, proposals, conditions } = shown;
  const mark = marks.get(condition, level);
  const item = element("li", { className: level === shown.level ? "chosen" : "" });
  const choose = element("button", { type: "button", id: `level-${i + 1}`, className: "level" });
  choose.append(
    element("kbd", { textContent: i + 1 }),
    element("strong", { textContent: level }),
    element("span", { textContent: where(mark, shown), className: waits(mark) ? "waiting" : "" }),
  );
  choose.setAttribute("aria-pressed", level === shown.level);
  choose.addEventListener("click", () => act.choose(level));
  const absent = element("button", {
    type: "button",
    id: `absent-${i + 1}`,
    className: "absent",
    textContent: "not visible",
  });
  absent.setAttribute("aria-pressed", Boolean(mark?.not_visible));
  absent.setAttribute("aria-label", `${level} is not visible`);
  absent.addEventListener("click", () => act.absent(level));
  item.append(choose, absent);
  const fault = shown.faults[`${condition} ${level}`];
  if (fault) item.append(element("p", { className: "fault", textContent: `⚠ ${fault}` }));
  for (const { id, label } of conditions) {
    for (const doubt of proposals.hint(marks.get(id, level))?.doubts ?? []) {
      const words = `? ${conditions.length > 1 ? `${label}: ` : ""}${doubt}`;
      item.append(element("p", { className: "doubt", textContent: words }));
    }
  }
  const result = results.get(`${condition} ${level}`);
  if (result) item.append(verdict(result, shown, act.show && (() => act.show(level))));
  for (const more of results.values()) {
    if (more.level === level && isDerived(more, conditions)) {
      const place = { id: more.condition, label: more.label };
      item.append(verdict(more, shown, act.show && (() => act.show(level, place)), more.label));
    }
  }
  return item;
}

/** Whether it was graded at a point that nobody sets here: it stands beside either side. */
const isDerived = ({ condition }, conditions) =>
  condition && conditions.every(({ id }) => id !== condition);

const waits = (mark) => mark?.source === "proposed";

function where(mark, { series, proposals }) {
  if (!mark) return "open";
  if (mark.not_visible) return "not visible";
  const { number } = series[mark.series].slices[mark.slice];
  if (waits(mark)) return `slice ${number} · ${proposals.words(mark)}`;
  const agreed = mark.source === "confirmed" ? " ✓" : "";
  return `slice ${number} · ${Math.round(mark.x)}, ${Math.round(mark.y)}${agreed}`;
}

function verdict(result, { severities, stale }, show, label = "") {
  const { level, probabilities, grade, uncertain, reason, warnings } = result;
  const box = element("div", { className: stale ? "verdict stale" : "verdict" });
  if (label) box.append(element("p", { className: "place", textContent: label }));
  if (probabilities) {
    const bar = element("div", { className: "bar" });
    bar.setAttribute("aria-hidden", "true");
    const words = element("p", { className: "shares" });
    severities.forEach((name, i) => {
      const part = element("span", { className: `s${i}` });
      part.style.flexGrow = probabilities[i];
      bar.append(part);
      const share = element("span", { textContent: `${name} ${percent(probabilities[i])}` });
      share.className = name === grade ? `likely s${i}` : "";
      words.append(share);
    });
    const evidence = element("button", {
      type: "button",
      className: "show",
      textContent: "evidence",
    });
    evidence.setAttribute("aria-label", `Evidence for ${level} ${label.toLowerCase()}`.trim());
    evidence.disabled = stale;
    evidence.hidden = !show;
    evidence.addEventListener("click", show);
    const top = element("div", { className: "top" });
    top.append(words, evidence);
    box.append(bar, top);
  }
  if (uncertain) box.append(element("p", { textContent: uncertain }));
  if (reason) box.append(element("p", { className: "reason", textContent: reason }));
  for (const text of warnings) {
    box.append(element("p", { className: "warning", textContent: `⚠ ${text}` }));
  }
  return box;
}

const percent = (share) => `${(100 * share).toFixed(1)}%`;

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}
