// What an earlier command kept is offered; it stays kept until the first change.

/**
 * @param {HTMLDialogElement} dialog
 * @param {{set: object, when: string}} kept What was set, and when.
 * @param {(set: object) => void} take Goes on with it.
 */
export function offer(dialog, { set, when }, take) {
  const count = set.marks.length === 1 ? "One mark was" : `${set.marks.length} marks were`;
  dialog.querySelector("p").textContent =
    `${count} set in this study (${when}), and no result was made of them. ` +
    "Started anew, the first click takes their place.";
  // It wants an answer.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  const [go, leave] = dialog.querySelectorAll("button");
  leave.addEventListener("click", () => dialog.close());
  go.addEventListener("click", () => {
    dialog.close();
    take(set);
  });
  dialog.showModal();
}
