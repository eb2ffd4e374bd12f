// One study of a queue: confirmed here, and the page around this one shows the next.

import * as server from "./server.js";

export class QueuedStudy {
  #warned = "";

  /** @param {object} page state, and what it does: say, confirm. */
  constructor(page) {
    this.page = page;
  }

  /** What the keys do beside those of a single study. */
  keys = {
    b: () => parent.reviewQueue.move(-1),
    q: () => parent.reviewQueue.list(),
    x: () => parent.reviewQueue.move(1),
  };

  /** Stand by the points; what is open, and what is doubtful, is shown before. */
  async confirm() {
    const { state, say } = this.page;
    const { marks, conditions, levels } = state;
    const at = performance.timeOrigin + performance.now();
    if (!marks.all.length)
      return say("Set a point first, or say that it is not visible (N).", "error");
    const open = conditions
      .flatMap(({ id, label }) =>
        levels.filter((level) => !marks.get(id, level)).map((level) => `${label} ${level}`),
      )
      .join(", ");
    if (open !== this.#warned) {
      this.#warned = open;
      if (open) return say(`Open: ${open}. Enter once more confirms without.`, "error");
    }
    if (!this.page.confirm()) return;
    try {
      await server.report(marks);
      say("Confirmed.");
      // The folder of this page is its place in the queue.
      const index = Number(location.pathname.split("/").at(-2));
      await parent.reviewQueue.confirm(index, server.shownVersion(), at);
    } catch (error) {
      say(error.message, "error");
    }
  }

  /** The other side of a level first, on the same slice; then the next level. */
  advance() {
    const { state } = this.page;
    const { levels, conditions, marks } = state;
    const from = levels.indexOf(state.level);
    const order = [...levels.slice(from), ...levels.slice(0, from)];
    const pairs = order.flatMap((level) => conditions.map(({ id }) => [level, id]));
    const open = pairs.find(([level, id]) => !marks.get(id, level));
    if (open) [state.level, state.condition] = open;
  }
}
