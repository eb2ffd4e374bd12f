// The list of studies: what state each is in.

const OPEN = ["new", "proposed", "begun"];

/** Whether a study waits for a person. */
export const waits = ({ state }) => OPEN.includes(state);

/**
 * @param {HTMLElement} list
 * @param {object[]} studies name, state, reason, warnings, not_graded
 * @param {number} current The one that is looked at.
 * @param {(index: number) => void} open
 */
export function showList(list, studies, current, open) {
  const focused = document.activeElement?.id;
  list.replaceChildren(...studies.map((study, index) => row(study, index, current, open)));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (list.dataset.current !== String(current)) {
    list.children[current]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  list.dataset.current = current;
}

/** How far the review is, in words. */
export function count(studies) {
  const done = studies.filter(({ state }) => state === "confirmed" || state === "graded").length;
  const unusable = studies.filter(({ state }) => state === "cannot be used").length;
  const rest = unusable ? `, ${unusable} cannot be used` : "";
  return `${done} of ${studies.length} confirmed${rest}`;
}

function row(study, index, current, open) {
  const { name, state, reason, warnings, not_graded } = study;
  const item = element("li", state.split(" ")[0] + (index === current ? " chosen" : ""));
  const button = element("button");
  Object.assign(button, { type: "button", id: `study-${index}`, title: reason || name });
  button.setAttribute("aria-current", index === current);
  button.append(element("strong", "", name), element("span", "", state));
  const doubts = [
    warnings ? `${warnings} with warnings` : "",
    not_graded ? `${not_graded} not graded` : "",
  ].filter(Boolean);
  if (doubts.length) button.append(element("span", "doubt", ` · ${doubts.join(", ")}`));
  if (reason) button.append(element("span", "reason", reason));
  button.addEventListener("click", () => open(index));
  item.append(button);
  return item;
}

function element(name, className = "", textContent = "") {
  return Object.assign(document.createElement(name), { className, textContent });
}
