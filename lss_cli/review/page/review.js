// The queue of a review: the list at the side, the study that is looked at, and what comes next.

import { count, StudyList, waits } from "./list.js";
import { Stage } from "./stage.js";

const $ = (id) => document.getElementById(id);
const LOOK_MS = 1000;

const pulse = new Worker("pulse.js");
const { page, out, notice, ...queue } = await ask("begin", "POST");
queue.studies = Object.values(queue.studies);
const stage = new Stage($("stage"));
const list = new StudyList($("queue"), queue.studies, open);
let current = -1;
let ended = false;

/** Show a study, and have the next one laid out. */
async function open(index, at = null) {
  current = index;
  list.choose(index);
  // One that was laid out ahead stands at once.
  const asked = ask(`show/${index}`, "POST");
  const study = stage.has(index) ? queue.studies[index] : await asked;
  if (current !== index) return;
  if (study.state === "cannot be used") {
    stage.say(study.name, study.reason, "Next study", next);
  } else {
    await stage.show(index, study.name);
    if (at !== null) document.body.dataset.ms = performance.timeOrigin + performance.now() - at;
    document.body.dataset.shown = index;
  }
  await asked;
  await look();
  const { next: ahead } = await ask(`ahead/${index}`, "POST");
  if (current !== index) return;
  stage.keep([index, ahead]);
  if (ahead !== null) stage.prepare(ahead, queue.studies[ahead].name);
}

/** The next study that waits, or the end. */
async function next() {
  const { length } = queue.studies;
  const after = queue.studies.map((_, step) => (current + 1 + step) % length);
  const index = after.find((other) => waits(queue.studies[other]));
  if (index === undefined) offerEnd();
  else await open(index);
}

function offerEnd() {
  stage.say(
    "Every study has been looked at",
    `${count(queue.studies)}. Studies can be looked at again, in the list.`,
    `Write ${out} and end`,
    end,
  );
}

async function end() {
  ended = true;
  await ask("finish", "POST");
  pulse.terminate();
  stage.keep([]);
  stage.say(
    "Done",
    `The command writes ${out}; this page can be closed. What is not confirmed is not graded; the same command goes on.`,
  );
  document.body.classList.add("done");
}

// What the page of a study asks of the queue.
window.reviewQueue = {
  async confirm(shown, version, at) {
    if (shown !== current) throw new Error("This study is not the one that is shown.");
    const { next: index } = await ask(`confirm/${shown}/${version}`, "POST");
    if (index !== null) return open(index, at);
    await look();
    offerEnd();
  },
  move(step) {
    const { length } = queue.studies;
    open((current + step + length) % length);
  },
  list() {
    window.focus();
    $(`study-${current}`)?.focus();
  },
};

async function look() {
  const response = await fetch(`changes/${queue.changes}`);
  if (response.status !== 200) return;
  const { changes, studies } = await response.json();
  // Another answer may have come first.
  if (changes < queue.changes) return;
  queue.changes = changes;
  for (const [index, study] of Object.entries(studies)) {
    queue.studies[index] = study;
    list.update(index, study);
  }
  $("count").textContent = count(queue.studies);
}

async function ask(path, method) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(path, { method, headers, body: "" }).catch(() => {
    throw new Error("The command has ended, or cannot be reached. The same command goes on.");
  });
  if (!response.ok) throw new Error(await response.text());
  return response.status === 204 ? null : response.json();
}

$("notice").textContent = notice;
$("notice").hidden = !notice;
$("count").textContent = count(queue.studies);
$("end").textContent = `Write ${out} and end`;
$("end").addEventListener("click", end);
addEventListener("keydown", (event) => {
  const act = {
    ArrowDown: () => list.step(1),
    ArrowUp: () => list.step(-1),
    b: () => window.reviewQueue.move(-1),
    q: () => window.reviewQueue.list(),
    x: () => window.reviewQueue.move(1),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || ended || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
});
addEventListener("pagehide", () => ended || navigator.sendBeacon(`left/${page}`));
addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(() => ended || look().catch(() => {}), LOOK_MS);

const first = waits(queue.studies[queue.current])
  ? queue.current
  : queue.studies.findIndex((study) => waits(study));
if (first < 0) offerEnd();
else await open(first);
