// What is drawn over the pictures: points, and where the pictures cut each other.

import { cut, place, project } from "./geometry.js";
import { CHOSEN, SET, banner, crosshair, dot, ring, RING, stroke, text, ticks } from "./ink.js";

/** The points on this axial slice, ticks where the sagittal slice cuts it, the keyboard's cross. */
export function drawAxial(viewer, ink, page) {
  const { marks, conditions, condition, level, sagittal, proposals } = page;
  // From edge to edge of this picture: hence cut by the other one's plane.
  const line = sagittal.slice && cut(sagittal.slice, viewer.slice);
  if (line) {
    const ends = line.map((point) => project(viewer.slice, place(sagittal.slice, point)));
    ticks(ink, ...ends.map((point) => viewer.toCanvas(point)));
  }
  const here = marks.all.filter((mark) => !mark.not_visible && mark.series === viewer.number);
  for (const mark of here.filter((mark) => mark.condition === condition)) {
    dot(ink, viewer.onStripAt(mark.slice), mark.level === level ? CHOSEN : SET, waits(mark));
  }
  for (const mark of here.filter((mark) => mark.slice === viewer.index)) {
    const own = mark.condition === condition;
    const colour = own && mark.level === level ? CHOSEN : SET;
    const [x, y] = viewer.toCanvas([mark.x, mark.y]);
    ink.globalAlpha = own ? 1 : 0.6;
    ring(ink, x, y, colour, { dashed: waits(mark) });
    const right = mark.x > viewer.slice.size[0] / 2;
    const side = conditions.length > 1 && !own ? ` ${conditionLabel(conditions, mark)}` : "";
    const aside = right ? RING + 8 : -RING - 8;
    const align = right ? "left" : "right";
    text(ink, mark.level + side, x + aside, y - RING, align, colour);
    if (own && waits(mark)) text(ink, proposals.words(mark), x + aside, y + RING, align, colour);
    ink.globalAlpha = 1;
  }
  banner(ink, viewer.canvas, conditionLabel(conditions, { condition }).toUpperCase());
  if (viewer.cursor) crosshair(ink, ...viewer.toCanvas(viewer.cursor));
}

/** The current axial slice as a line, the ends of its stack, and the points as dots. */
export function drawSagittal(viewer, ink, { marks, condition, level, axial, series }) {
  if (!axial.slice) return;
  const stack = axial.series.slices.filter((slice) => slice.stack === axial.slice.stack);
  for (const slice of [stack[0], stack.at(-1), axial.slice]) {
    const line = cut(viewer.slice, slice);
    if (!line) continue;
    const shown = slice === axial.slice;
    ink.strokeStyle = shown ? CHOSEN : SET;
    ink.setLineDash(shown ? [] : [2, 6]);
    ink.lineWidth = shown ? 1.5 : 1;
    stroke(ink, ...line.map((point) => viewer.toCanvas(point)));
  }
  ink.setLineDash([]);
  for (const mark of marks.all) {
    if (mark.not_visible || mark.condition !== condition) continue;
    const where = place(series[mark.series].slices[mark.slice], [mark.x, mark.y]);
    const [x, y] = viewer.toCanvas(project(viewer.slice, where));
    const colour = mark.level === level ? CHOSEN : SET;
    dot(ink, [x, y], colour, waits(mark));
    text(ink, mark.level, x + 9, y, "left", colour);
  }
}

/** The mark under a position on the canvas, if one is near. */
export function markAt(viewer, marks, condition, point) {
  const [x, y] = viewer.toCanvas(point);
  return marks.all.find((mark) => {
    if (mark.condition !== condition || mark.not_visible) return false;
    if (mark.series !== viewer.number || mark.slice !== viewer.index) return false;
    const at = viewer.toCanvas([mark.x, mark.y]);
    return Math.hypot(at[0] - x, at[1] - y) <= RING + 2;
  });
}

const waits = (mark) => mark.source === "proposed";

const conditionLabel = (conditions, mark) =>
  conditions.find((condition) => condition.id === mark.condition).label.toLowerCase();
