// One study of a queue: confirmed here, and the page around this one shows the next.

import * as server from "./server.js";

export class QueuedStudy {
  #warned = "";

  /** @param {object} page state, and what it does: say, confirm, checked. */
  constructor(page) {
    this.page = page;
  }

  /** What the keys do beside those of a single study. */
  keys = {
    b: () => parent.reviewQueue.move(-1),
    q: () => parent.reviewQueue.list(),
    x: () => parent.reviewQueue.move(1),
  };

  /** Stand by the points; what is open, and what is doubtful, is said before. */
  async confirm() {
    const { state, say } = this.page;
    const { marks, conditions, levels } = state;
    const at = performance.timeOrigin + performance.now();
    if (!marks.all.length)
      return say("Set a point first, or say that it is not visible (N).", "error");
    await this.page.checked();
    const names = (isMeant) =>
      conditions
        .flatMap(({ id, label }) =>
          levels.filter((level) => isMeant(id, level)).map((level) => `${label} ${level}`),
        )
        .join(", ");
    const open = names((id, level) => !marks.get(id, level));
    const doubtful = names((id, level) => state.faults[`${id} ${level}`]);
    const warning = (open && `Open: ${open}. `) + (doubtful && `Doubtful: ${doubtful}. `);
    if (warning !== this.#warned) {
      this.#warned = warning;
      if (warning) return say(`${warning}Enter once more confirms all the same.`, "error");
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
