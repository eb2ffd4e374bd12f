// What can be chosen in the head of the page: series and side.

/** Offer series by number; where there is only one there is nothing to choose. */
export function offerSeries(choice, numbers, series, open) {
  const select = choice.querySelector("select");
  choice.hidden = numbers.length < 2;
  for (const number of numbers) {
    const { id, label, weighting, slices } = series[number];
    const doubt = { T2: "", other: ", not T2", unknown: ", T2?" }[weighting];
    const words = `${label}${doubt} · ${slices.length} slices · ${id.split(".").at(-1).slice(-12)}`;
    select.add(new Option(words, number));
  }
  select.addEventListener("change", () => open(Number(select.value)));
}

/** What to do first, and whether it is a doubt: words, and the kind of them. */
export function greet({ axial, series, bad, note, queued, set }, waiting) {
  if (bad.length) return [`Not shown, so not graded: ${bad.join(" ")}`, "error"];
  if (waiting) return [`Proposed, for you to look at: Enter confirms. ${note}`];
  if (queued && set.marks.length) return ["For you to look at: Enter confirms."];
  const likely = axial.filter((number) => series[number].weighting === "T2");
  if (likely.length > 1) return [`${likely.length} series may be the axial T2: choose above.`];
  if (!likely.length) return ["No axial series says that it is T2-weighted.", "error"];
  if (note) return [note];
  return ["Click the point of the chosen level."];
}

/** Offer the conditions, each with room for a count. */
export function offerSides(field, conditions, take) {
  field.hidden = conditions.length < 2;
  for (const { id, label } of conditions) {
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "side", value: id });
    input.addEventListener("change", () => take(id));
    const words = document.createElement("label");
    words.append(input, `${label} `, document.createElement("small"));
    field.append(words);
  }
}

/** Show, or hide, the drawing of where to click on this side; there is none of the canal. */
export function showWhere(figure, label, wanted) {
  const side = label.toLowerCase();
  const picture = figure.querySelector("img");
  figure.hidden = !wanted || !["left", "right"].includes(side);
  if (!figure.hidden && !picture.src.endsWith(`where-${side}.png`)) {
    picture.src = `where-${side}.png`;
    picture.alt = `The ${side} lateral recess, ringed on an axial slice`;
  }
}

/** Show which side is chosen, and how much of each is set. */
export function showSides(field, chosen, counts) {
  field.querySelectorAll("label").forEach((words, i) => {
    const input = words.querySelector("input");
    input.checked = input.value === chosen;
    words.querySelector("small").textContent = counts[i];
  });
}
