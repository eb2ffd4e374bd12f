// The list of studies: what state each is in.

const OPEN = ["new", "proposed", "begun"];

// Rows that are laid out together, and left alone together while out of sight.
const GROUP = 100;

/** Whether a study waits for a person. */
export const waits = ({ state }) => OPEN.includes(state);

/** How far the review is, in words. */
export function count(studies) {
  const done = studies.filter(({ state }) => state === "confirmed" || state === "graded").length;
  const unusable = studies.filter(({ state }) => state === "cannot be used").length;
  const rest = unusable ? `, ${unusable} cannot be used` : "";
  return `${done} of ${studies.length} confirmed${rest}`;
}

/** A row for each study. Of thousands, only those are touched that something happens to. */
export class StudyList {
  #rows;
  #chosen = null;

  /**
   * @param {HTMLElement} box
   * @param {object[]} studies name, state, reason, warnings, not_graded
   * @param {(index: number) => void} open
   */
  constructor(box, studies, open) {
    this.#rows = studies.map((study, index) => fill(row(index), study));
    for (let start = 0; start < this.#rows.length; start += GROUP) {
      const group = Object.assign(element("ol"), { start: start + 1 });
      group.append(...this.#rows.slice(start, start + GROUP));
      box.append(group);
    }
    box.addEventListener("click", ({ target }) => {
      const index = this.#rows.indexOf(target.closest("li"));
      if (index >= 0) open(index);
    });
  }

  /** Something happened to a study. */
  update(index, study) {
    fill(this.#rows[index], study);
  }

  /** Mark the study that is looked at. */
  choose(index) {
    const item = this.#rows[index];
    if (item === this.#chosen) return;
    mark(this.#chosen, false);
    mark(item, true);
    this.#chosen = item;
    item?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Go on with the keyboard to the row below, or above. */
  step(by) {
    const at = this.#rows.indexOf(document.activeElement?.closest("li"));
    const index = Math.min(Math.max(at + by, 0), this.#rows.length - 1);
    this.#rows[index].firstChild.focus();
  }
}

function row(index) {
  const item = element("li");
  item.append(Object.assign(element("button"), { type: "button", id: `study-${index}` }));
  return item;
}

function mark(item, chosen) {
  item?.classList.toggle("chosen", chosen);
  item?.firstChild.setAttribute("aria-current", chosen);
}

function fill(item, { name, state, reason, warnings, not_graded }) {
  const button = item.firstChild;
  item.className = state.split(" ")[0] + (item.classList.contains("chosen") ? " chosen" : "");
  button.title = reason || name;
  button.replaceChildren(element("strong", "", name), element("span", "", state));
  const doubts = [
    warnings ? `${warnings} with warnings` : "",
    not_graded ? `${not_graded} not graded` : "",
  ].filter(Boolean);
  if (doubts.length) button.append(element("span", "doubt", ` · ${doubts.join(", ")}`));
  if (reason) button.append(element("span", "reason", reason));
  return item;
}

function element(name, className = "", textContent = "") {
  return Object.assign(document.createElement(name), { className, textContent });
}
