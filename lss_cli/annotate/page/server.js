// What the page asks of the server.

// Of the marks, as this page shows them. The server refuses what would overwrite another tab's.
let version;
let pulse;

export async function openStudy() {
  pulse = new Worker("pulse.js");
  const study = await (await answer(fetch("study"))).json();
  version = study.version;
  return study;
}

/** The grades, and the version of the marks that they are of. */
export async function grade() {
  const graded = version;
  return { version: graded, ...(await (await answer(send("POST", `grade/${graded}`))).json()) };
}

/** What the server finds to speak against points: words by condition and level. */
export const faults = async () => (await answer(fetch("faults"))).json();

/** Where the page of the result is, and what it says. */
export async function result() {
  const address = `result/${version}`;
  return { address, text: await (await answer(fetch(address))).text() };
}

export async function finish() {
  await answer(send("POST", `finish/${version}`));
  pulse.terminate();
}

/** What the marks are called, for the page around this one. */
export const shownVersion = () => version;

export const leave = (page) => navigator.sendBeacon(`left/${page}`);

let unsent = null;
let sending = null;

/** Report all marks; while one report is on its way, only the newest of the next ones counts. */
export function report(marks) {
  unsent = JSON.stringify(marks);
  sending ??= (async () => {
    try {
      while (unsent !== null) {
        const body = unsent;
        unsent = null;
        const kept = await (await answer(send("PUT", `marks/${version}`, body))).json();
        version = kept.version;
        if (kept.unkept) throw new Error(`As long as the command runs only: ${kept.unkept}`);
      }
    } finally {
      sending = null;
    }
  })();
  return sending;
}

const ARRAYS = { uint16: Uint16Array, int16: Int16Array, float32: Float32Array };
const AT_ONCE = 3;

/** Slices, fetched once; those near the one that is looked at come first. */
export class Slices {
  #kept = new Map();
  #wanted = [];
  #busy = 0;

  /** A slice's values, or an Error that says why there are none. */
  get(series, index) {
    const path = `pixels/${series}/${index}`;
    if (!this.#kept.has(path)) {
      const slice = load(path).catch((error) => error);
      this.#kept.set(path, slice);
      slice.then((values) => this.#kept.set(path, values));
    }
    return this.#kept.get(path);
  }

  /** Fetch a series in the background, outwards from a slice. */
  prefetch(series, count, around) {
    const every = Array.from({ length: count }, (_, index) => index);
    every.sort((a, b) => Math.abs(a - around) - Math.abs(b - around));
    this.#wanted = every.map((index) => [series, index]);
    while (this.#busy < AT_ONCE && this.#wanted.length) this.#work();
  }

  async #work() {
    this.#busy++;
    while (this.#wanted.length) await this.get(...this.#wanted.shift());
    this.#busy--;
  }
}

async function load(path) {
  const response = await answer(fetch(path));
  return new ARRAYS[response.headers.get("X-Pixel-Type")](await response.arrayBuffer());
}

const send = (method, path, body = "") =>
  fetch(path, { method, body, headers: { "Content-Type": "application/json" }, keepalive: true });

/** The response, if it is a good one. */
async function answer(coming) {
  let response;
  try {
    response = await coming;
  } catch {
    throw new Error("The command has ended, or cannot be reached. What was set last may be lost.");
  }
  if (!response.ok) {
    throw Object.assign(new Error(await response.text()), { status: response.status });
  }
  return response;
}
