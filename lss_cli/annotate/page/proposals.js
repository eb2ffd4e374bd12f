// Points that nobody has looked at yet: what is said of them, and whether they were looked at.

// Places in the files have hundredths of a pixel.
const SAME = 0.02;

export class Proposals {
  #seen = new Set();

  /**
   * @param {import("./marks.js").Marks} marks
   * @param {object[]} hints Of each proposed point: condition, series, slice, x, y; confidence
   *   (0 to 1), whether that is sure, and doubts.
   */
  constructor(marks, hints) {
    this.marks = marks;
    this.hints = hints;
  }

  /** The marks that wait for a person's word. */
  get waiting() {
    return this.marks.all.filter((mark) => mark.source === "proposed");
  }

  /** What is said of a mark, as long as it stands where it was proposed; else null. */
  hint(mark) {
    if (mark?.source !== "proposed") return null;
    const same = (hint) =>
      hint.condition === mark.condition &&
      hint.series === mark.series &&
      hint.slice === mark.slice &&
      Math.hypot(hint.x - mark.x, hint.y - mark.y) < SAME;
    return this.hints.find(same) ?? null;
  }

  /** A slice stands in the large picture: what lies on it has been looked at. */
  see(series, slice) {
    this.#seen.add(`${series}/${slice}`);
  }

  /** Whether a mark waits that the program itself is not sure of. */
  isDoubtful(mark) {
    const hint = this.hint(mark);
    return Boolean(hint && (!hint.sure || hint.doubts.length));
  }

  /** The first doubtful mark that has not been looked at. */
  get unseen() {
    return this.waiting.find(
      (mark) => this.isDoubtful(mark) && !this.#seen.has(`${mark.series}/${mark.slice}`),
    );
  }

  /**
   * Take the person's word for all; a doubtful mark that was not looked at is shown instead.
   *
   * @param {object} page What it does: say, visit, refresh; and its sides.
   */
  confirm({ say, visit, refresh, sides }) {
    const { unseen } = this;
    if (!unseen) {
      this.marks.confirm();
      refresh();
      return true;
    }
    visit(unseen.level, unseen.condition);
    const doubt = this.hint(unseen).doubts.join(" ") || "not sure.";
    say(`${sides.own.label} ${unseen.level}: ${doubt} Once it is right, Enter confirms.`, "error");
    return false;
  }

  /** How sure a mark is, in words; empty where that is not known. */
  words(mark) {
    if (mark?.source !== "proposed") return "";
    const hint = this.hint(mark);
    return hint ? `proposed ${Math.round(100 * hint.confidence)} %` : "proposed";
  }
}
