// The page: two pictures, the list of levels, and what keys and buttons do.

import { greet, offerSeries, offerSides, showSides, showWhere } from "./choices.js";
import { showResult } from "./ending.js";
import { Gallery } from "./gallery.js";
import { listenToKeys } from "./keys.js";
import { showEvidence, showLevels } from "./levels.js";
import { Marks } from "./marks.js";
import { offer } from "./offer.js";
import { drawAxial, drawSagittal } from "./overlay.js";
import { listen } from "./pointer.js";
import { Proposals } from "./proposals.js";
import { QueuedStudy } from "./queued.js";
import * as server from "./server.js";
import { PointSetter } from "./setting.js";
import { Sides } from "./sides.js";
import { findDiscs, LinkedCursor, nextWindow, Ruler } from "./tools.js";
import { Viewer } from "./viewer.js";

const $ = (id) => document.getElementById(id);
const study = await server.openStudy();
const { levels, series, severities, conditions } = study;

const slices = new server.Slices();
const marks = new Marks(study.set);
const proposals = new Proposals(marks, study.hints);
const state = {
  marks,
  proposals,
  series,
  conditions,
  levels,
  condition: conditions[0].id,
  level: levels[0],
  axial: new Viewer($("axial"), slices, (...on) => draw(drawAxial, ...on)),
  sagittal: new Viewer($("sagittal"), new server.Slices(), (...on) => draw(drawSagittal, ...on)),
  results: new Map(),
  faults: {},
  stale: false,
};
const { axial, sagittal } = state;
let finished = false;
let graded;
let whereWanted = null;
// That the server has said what speaks against the points as they are set.
let checked = Promise.resolve();

const sides = new Sides(state);
const ruler = new Ruler();
const cursor = new LinkedCursor([axial, sagittal]);
const gallery = new Gallery($("gallery"), state, slices, visit);
const queued = new QueuedStudy({ state, say, confirm, checked: () => checked });
const setter = new PointSetter({ state, sides, say, refresh, choose, advance, changed, show });

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
  const waiting = proposals.waiting.length > 0 && !study.queued;
  for (const id of ["grade", "finish", "confirm", "up", "down"]) {
    $(id).disabled = marks.all.length === 0;
  }
  // A result is of what a person stands by.
  $("finish").disabled ||= waiting;
  $("grade").textContent = waiting ? "Confirm and grade" : "Grade";
  axial.redraw();
  sagittal.redraw();
  gallery.draw();
}

/** After every change: tell the server, and mark what was graded as out of date. */
function changed() {
  state.stale = state.results.size > 0;
  if (state.stale) $("status").append(" Grade again.");
  refresh();
  checked = report();
  return checked;
}

/** Tell the server all marks; it says what speaks against them. */
async function report() {
  try {
    await server.report(marks);
    await check();
  } catch (error) {
    say(error.message, "error");
  }
}

/** Ask what speaks against the points: another side, another disc, far from the recess. */
async function check() {
  state.faults = await server.faults();
  refresh();
}

function draw(overlay, viewer, ink) {
  if (viewer === axial) proposals.see(viewer.number, viewer.index);
  overlay(viewer, ink, state);
  cursor.draw(viewer, ink);
  ruler.draw(viewer, ink);
}

function choose(level, condition = state.condition) {
  Object.assign(state, { level, condition });
  refresh();
}

/** Show the slice of a mark. */
async function show({ series: number, slice }) {
  if (number === axial.number) await axial.show(slice);
  else openAxial(number, slice);
}

/** To the level's own point, or to the slice in which it has one on the other side. */
function jump() {
  const own = marks.get(state.condition, state.level);
  const mark = own && !own.not_visible ? own : sides.opposite(state.level);
  if (!mark) return;
  if (mark !== own) say(`${state.level}: open; the slice of the ${sides.other.label} point.`);
  show(mark);
}

function visit(level, condition = state.condition) {
  choose(level, condition);
  jump();
}

/** The next level of this side without a mark; the same one where none is open. */
function advance() {
  if (study.queued) return queued.advance();
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

function evidence(level, place = sides.own) {
  showEvidence($("evidence"), graded, place, level);
}

function where() {
  whereWanted = $("where").hidden;
  refresh();
}
function reset() {
  axial.resetView();
  sagittal.resetView();
}

/** Call all points by the level above or below: where everybody counts wrong. */
function rename(by) {
  const before = marks.all.length;
  marks.rename(levels, by);
  const gone = before - marks.all.length;
  const lost = gone ? ` ${gone === 1 ? "One mark" : `${gone} marks`} fell off; U brings back.` : "";
  say(`All levels are called one ${by < 0 ? "higher" : "lower"}.${lost}`);
  changed();
}

function confirm() {
  return proposals.confirm({ say, visit, refresh, sides });
}

async function grade() {
  if (proposals.waiting.length && !study.queued && !confirm()) return;
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

/** What Enter means: set a point where the keyboard's cross was moved, else take what is there. */
function enter() {
  if (!setter.aims && study.queued) queued.confirm();
  else if (!setter.aims && proposals.waiting.length) grade();
  else setter.setByKey();
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
  // A study of a queue is made ready behind the one that has the keys.
  if (!window.frameElement?.inert) axial.canvas.focus();
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
listen(axial, ruler.before(axial, setter));
listen(sagittal, ruler.before(sagittal, findDiscs(axial, sagittal, say)));
openAxial(study.axial[0], 0);
if (study.sagittal.length) openSagittal(study.sagittal[0]);
$("gallery").hidden = !study.queued && !study.set.marks.some((mark) => mark.source);
if (study.queued) {
  document.body.classList.add("queued");
  $("finish").hidden = true;
  $("confirm").hidden = false;
  $("grade").classList.remove("main");
}

$("remark").value = marks.remark;
$("remark").maxLength = study.longest_remark;
$("remark").addEventListener("input", () => {
  marks.remark = $("remark").value;
  report();
});
for (const [id, act] of Object.entries({
  undo,
  redo,
  reset,
  grade,
  finish,
  up: () => rename(-1),
  down: () => rename(1),
  confirm: () => queued.confirm(),
})) {
  $(id).addEventListener("click", act);
}
for (const id of ["where", "where-button"]) $(id).addEventListener("click", where);
// A button that was pressed by mouse keeps no key for itself: Enter means the picture again.
document.addEventListener("click", ({ detail, target }) => {
  if (detail && target.closest("main button")) axial.canvas.focus();
});
const aimed = () => (document.activeElement === sagittal.canvas ? sagittal : axial);
const help = () => $("help").showModal();
$("help-button").addEventListener("click", help);
listenToKeys(axial, sagittal, {
  ...Object.fromEntries(levels.map((level, i) => [i + 1, () => choose(level)])),
  Enter: enter,
  Delete: remove,
  Backspace: remove,
  "?": help,
  f: () => rename(1),
  h: () => rename(-1),
  g: () => $("grade").disabled || grade(),
  j: jump,
  l: () => say(ruler.toggle() ? "Measuring: drag a line. L ends it." : "Clicks set points again."),
  m: () => setter.mirror(),
  n: () => absent(state.level),
  p: () => say(`Window: ${nextWindow(aimed())}.`),
  r: reset,
  s: otherSide,
  u: undo,
  w: where,
  y: redo,
  ...(study.queued && queued.keys),
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
if (marks.all.length) checked = check().catch((error) => say(error.message, "error"));
if (marks.all.some((mark) => mark.source)) {
  visit(levels.find((level) => marks.get(state.condition, level)) ?? levels[0]);
}
say(...greet(study, proposals.waiting.length));
if (study.offer) offer($("offer"), study.offer, takeUp);
