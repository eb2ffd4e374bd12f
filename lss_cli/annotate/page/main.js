// The page: two pictures, the list of levels, and what keys and buttons do.

import { greet, offerSeries, offerSides, showSides, showWhere } from "./choices.js";
import { showResult } from "./ending.js";
import { listenToKeys } from "./keys.js";
import { showEvidence, showLevels } from "./levels.js";
import { Marks } from "./marks.js";
import { offer } from "./offer.js";
import { drawAxial, drawSagittal, markAt } from "./overlay.js";
import { listen } from "./pointer.js";
import * as server from "./server.js";
import { Sides } from "./sides.js";
import { findDiscs, LinkedCursor, nextWindow, Ruler } from "./tools.js";
import { Viewer } from "./viewer.js";

const $ = (id) => document.getElementById(id);
const study = await server.openStudy();
const { levels, series, severities, conditions } = study;

const state = {
  marks: new Marks(study.set),
  series,
  conditions,
  levels,
  condition: conditions[0].id,
  level: levels[0],
  axial: new Viewer($("axial"), new server.Slices(), (...on) => draw(drawAxial, ...on)),
  sagittal: new Viewer($("sagittal"), new server.Slices(), (...on) => draw(drawSagittal, ...on)),
  results: new Map(),
  sideFaults: {},
  stale: false,
};
const { axial, sagittal, marks } = state;
let finished = false;
let graded;
let whereWanted = null;

const sides = new Sides(state);
const ruler = new Ruler();
const cursor = new LinkedCursor([axial, sagittal]);

// ---- what happens

function say(words, kind = "") {
  $("status").textContent = words;
  $("status").className = kind;
}

function refresh() {
  const shown = { ...state, severities };
  const show = study.evidence ? evidence : null;
  showLevels($("levels"), shown, { choose: visit, absent, show });
  const count = ({ id }) => levels.filter((level) => marks.get(id, level)).length;
  const counts = conditions.map((condition) => `${count(condition)}/${levels.length}`);
  showSides($("sides"), state.condition, counts);
  // Unasked until the first point of this side is set.
  showWhere($("where"), sides.own.label, whereWanted ?? count(sides.own) === 0);
  $("where-button").setAttribute("aria-pressed", !$("where").hidden);
  $("grade").disabled = $("finish").disabled = marks.all.length === 0;
  axial.redraw();
  sagittal.redraw();
}

/** After every change: tell the server, and mark what was graded as out of date. */
function changed() {
  state.stale = state.results.size > 0;
  if (state.stale) $("status").append(" Grade again.");
  refresh();
  return report();
}

/** Tell the server all marks; it says which seem to lie on the other side. */
async function report() {
  try {
    await server.report(marks);
    state.sideFaults = await server.sideFaults();
    refresh();
  } catch (error) {
    say(error.message, "error");
  }
}

function draw(overlay, viewer, ink) {
  overlay(viewer, ink, state);
  cursor.draw(viewer, ink);
  ruler.draw(viewer, ink);
}

function measure() {
  say(ruler.toggle() ? "Measuring: drag a line. L ends it." : "Clicks set points again.");
}

function choose(level) {
  state.level = level;
  refresh();
}

/** To the level's own point, or to the slice in which it has one on the other side. */
function jump() {
  const own = marks.get(state.condition, state.level);
  const mark = own && !own.not_visible ? own : sides.opposite(state.level);
  if (!mark) return;
  if (mark !== own) say(`${state.level}: open; the slice of the ${sides.other.label} point.`);
  if (mark.series === axial.number) axial.show(mark.slice);
  else openAxial(mark.series, mark.slice);
}

function visit(level) {
  choose(level);
  jump();
}

/** The next level of this side without a mark; the same one where none is open. */
function advance() {
  const from = levels.indexOf(state.level);
  const order = [...levels.slice(from + 1), ...levels.slice(0, from)];
  state.level = order.find((level) => !marks.get(state.condition, level)) ?? state.level;
}

function absent(level) {
  const now = marks.get(state.condition, level)?.not_visible;
  marks.put(state.condition, level, now ? null : { not_visible: true });
  state.level = level;
  say(`${level}: ${now ? "open" : "not visible"}.`);
  if (!now) advance();
  changed();
}

function remove() {
  if (!marks.get(state.condition, state.level)) return;
  marks.put(state.condition, state.level, null);
  say(`${state.level}: taken away.`);
  changed();
}

function walk(step, words) {
  if (!step) return say(`Nothing to be ${words}.`);
  Object.assign(state, { condition: step.condition, level: step.level });
  say(`${step.level}: ${words}.`);
  changed();
}

const undo = () => walk(marks.undo(), "undone");
const redo = () => walk(marks.redo(), "done again");

function evidence(level) {
  showEvidence($("evidence"), graded, sides.own, level);
}

function where() {
  whereWanted = $("where").hidden;
  refresh();
}

function reset() {
  axial.resetView();
  sagittal.resetView();
}

/** Set the point of the chosen level. */
function put(point, step = "put") {
  const mark = { series: axial.number, slice: axial.index, x: point[0], y: point[1] };
  marks[step](state.condition, state.level, mark);
  refresh();
}

async function settled() {
  const { condition, level } = state;
  say(`${level}: set on slice ${axial.slice.number}.`);
  advance();
  const next = state.level;
  await changed();
  const fault = state.sideFaults[`${condition} ${level}`];
  if (!fault) return;
  // Back to it, unless the person has gone on.
  if (state.condition === condition && state.level === next) choose(level);
  say(`${sides.own.label} ${level}: ${fault}`, "error");
}

/** Move the keyboard's cross to the mirror image of the other side's point; Enter sets it. */
async function propose() {
  const point = sides.mirrored(state.level);
  if (!point) return say(`${state.level} has no point on the other side to be mirrored.`);
  const { series: number, slice } = sides.opposite(state.level);
  if (number === axial.number) await axial.show(slice);
  else openAxial(number, slice);
  axial.cursor = point;
  axial.canvas.focus();
  axial.moveCursor(0, 0);
  say(
    `${state.level}: a proposal from the ${sides.other.label} point. Enter sets it, once it is right; Shift + arrows move it.`,
  );
}

/** Whether a point may be set there; says why not. */
function allowed(point) {
  if (axial.slice.number !== null) return axial.ready && axial.holds(point);
  say("This slice has no number of its own, so no point can name it.", "error");
  return false;
}

/** The left button on the axial picture: set a point, or take hold of another level's. */
const setting = {
  press(point) {
    this.moves = 0;
    this.held = allowed(point);
    if (!this.held) return;
    const near = markAt(axial, marks, state.condition, point);
    if (near && near.level !== state.level) choose(near.level);
    else this.move(point);
  },
  drag(point) {
    if (this.held && axial.holds(point)) this.move(point);
  },
  // However long the drag, it is one step of the way back.
  move(point) {
    put(point, this.moves++ ? "shift" : "put");
  },
  release() {
    if (this.moves) settled();
    this.held = this.moves = 0;
  },
};

function setByKey() {
  if (!axial.cursor)
    return say("Shift and the arrow keys move a cross; Enter sets the point there.");
  if (!allowed(axial.cursor)) return;
  put(axial.cursor);
  settled();
}

async function grade() {
  say("Grading …");
  try {
    await server.report(marks);
    const { version, levels: rows, notes } = await server.grade();
    state.results = new Map(rows.map((row) => [`${row.condition} ${row.level}`, row]));
    state.stale = false;
    const open = levels.filter((level) => !marks.get(state.condition, level));
    const missing = open.length ? `Without a point: ${open.join(", ")}. ` : "";
    say(`Graded. ${missing}${notes.join(" ")}`);
    graded = version;
    refresh();
    // From the first level on, whichever was set last.
    $("levels").scrollTop = 0;
  } catch (error) {
    say(error.message, "error");
  }
}

async function finish() {
  try {
    await server.report(marks);
    say("Making the result …");
    await showResult(study.study, study.result ? server.result : async () => null);
    finished = true;
    await server.finish();
  } catch (error) {
    say(error.message, "error");
  }
}

// ---- series and sides

function openAxial(number, index) {
  $("axial-series").value = number;
  axial.open(number, series[number], index);
  axial.canvas.focus();
}

/** From the middle slice on, where the canal is. */
function openSagittal(number) {
  sagittal.open(number, series[number], series[number].slices.length >> 1);
}

function takeSide(id) {
  axial.canvas.focus();
  state.condition = id;
  state.level = levels.find((level) => !marks.get(id, level)) ?? levels[0];
  refresh();
}

function otherSide() {
  const at = conditions.findIndex(({ id }) => id === state.condition);
  takeSide(conditions[(at + 1) % conditions.length].id);
}

// ---- begin

document.title = `lss ${study.study}`;
$("study").textContent = `study ${study.study}`;
offerSeries($("axial-choice"), study.axial, series, (number) => openAxial(number, 0));
offerSeries($("sagittal-choice"), study.sagittal, series, openSagittal);
offerSides($("sides"), conditions, takeSide);
document.body.classList.toggle("alone", study.sagittal.length === 0);
axial.moved = () => sagittal.redraw();
sagittal.moved = () => axial.redraw();
listen(axial, ruler.before(axial, setting));
listen(sagittal, ruler.before(sagittal, findDiscs(axial, sagittal, say)));
openAxial(study.axial[0], 0);
if (study.sagittal.length) openSagittal(study.sagittal[0]);
say(...greet(study));

$("remark").value = marks.remark;
$("remark").maxLength = study.longest_remark;
$("remark").addEventListener("input", () => {
  marks.remark = $("remark").value;
  report();
});
for (const [id, act] of Object.entries({ undo, redo, reset, grade, finish })) {
  $(id).addEventListener("click", act);
}
for (const id of ["where", "where-button"]) $(id).addEventListener("click", where);
const aimed = () => (document.activeElement === sagittal.canvas ? sagittal : axial);
const help = () => $("help").showModal();
$("help-button").addEventListener("click", help);
listenToKeys(axial, sagittal, {
  ...Object.fromEntries(levels.map((level, i) => [i + 1, () => choose(level)])),
  Enter: setByKey,
  Delete: remove,
  Backspace: remove,
  "?": help,
  g: () => $("grade").disabled || grade(),
  j: jump,
  l: measure,
  m: propose,
  n: () => absent(state.level),
  p: () => say(`Window: ${nextWindow(aimed())}.`),
  r: reset,
  s: otherSide,
  u: undo,
  w: where,
  y: redo,
});
function takeUp(set) {
  marks.take(set);
  $("remark").value = marks.remark;
  takeSide(state.condition);
  say("Taken up again. Look at each point.");
  changed();
}

addEventListener("pagehide", () => finished || server.leave(study.page));
// Back from the browser's memory: the server has seen this page leave.
addEventListener("pageshow", (event) => event.persisted && location.reload());
refresh();
if (study.bad.length) say(`Not shown, so not graded: ${study.bad.join(" ")}`, "error");
if (study.offer) offer($("offer"), study.offer, takeUp);
