// What has been set, per condition and level, and the way back.

const UNCONFIRMED = ["proposed", "given"];

export class Marks {
  #past = [];
  #future = [];

  /** @param {{marks: object[], remark: string}} set What the server kept from an earlier load. */
  constructor({ marks, remark = "" }) {
    this.all = marks;
    this.remark = remark;
  }

  get(condition, level) {
    return this.all.find((mark) => mark.condition === condition && mark.level === level);
  }

  /** Set a mark in place of the one before; `null` only takes it away. */
  put(condition, level, mark) {
    this.#replace(this.all.filter((mark) => mark.condition !== condition || mark.level !== level));
    if (mark) this.all = [...this.all, { condition, level, ...mark }];
  }

  /** Move a mark that is being dragged: one step of the way back, however long the drag. */
  shift(condition, level, mark) {
    this.put(condition, level, mark);
    this.#past.pop();
  }

  /** Go one step back; gives the condition and level that changed, or null. */
  undo() {
    return this.#step(this.#past, this.#future);
  }

  /** Take a step back back; gives the same. */
  redo() {
    return this.#step(this.#future, this.#past);
  }

  #step(from, to) {
    const next = from.pop();
    if (!next) return null;
    const [changed] = [...next, ...this.all].filter(
      (mark) => !(next.includes(mark) && this.all.includes(mark)),
    );
    to.push(this.all);
    this.all = next;
    return changed ?? null;
  }

  /** All that was not set here is what this person says as well, as one step. */
  confirm() {
    this.#replace(
      this.all.map((mark) =>
        UNCONFIRMED.includes(mark.source) ? { ...mark, source: "confirmed" } : mark,
      ),
    );
  }

  /**
   * Call every mark by the level so many places below, as one step; those that fall off are gone.
   * A table did not say so: its points are the person's from then on.
   */
  rename(levels, by) {
    this.#replace(
      this.all.flatMap(({ source, ...mark }) => {
        const level = levels[levels.indexOf(mark.level) + by];
        const kept = source && source !== "given" ? { source } : {};
        return level ? [{ ...mark, level, ...kept }] : [];
      }),
    );
  }

  /** All at once, as one step: what was set before the page was opened. */
  take({ marks, remark }) {
    this.#replace(marks);
    this.remark = remark;
  }

  #replace(marks) {
    this.#past.push(this.all);
    this.#future = [];
    this.all = marks;
  }

  toJSON() {
    return { marks: this.all, remark: this.remark };
  }
}
