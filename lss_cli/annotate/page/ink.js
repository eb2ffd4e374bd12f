// Shapes and words on a picture, legible on any tissue.

export const CHOSEN = "#fb3";
export const SET = "#5cd6ff";
export const RING = 8;
// At the right edge of a picture: all its slices.
export const STRIP = 22;

/** Words with a dark rim. */
export function text(ink, words, x, y, align, colour = "#dde3ea") {
  ink.textAlign = align;
  ink.textBaseline = "middle";
  ink.lineWidth = 3;
  ink.lineJoin = "round";
  ink.strokeStyle = "rgba(0, 0, 0, 0.75)";
  ink.strokeText(words, x, y);
  ink.fillStyle = colour;
  ink.fillText(words, x, y);
}

/** Open in the middle, so that the anatomy stays in sight; dashed where nobody has confirmed it. */
export function ring(ink, x, y, colour, { dashed = false, size = RING } = {}) {
  for (const [width, style] of [
    [4, "rgba(0, 0, 0, 0.6)"],
    [1.75, colour],
  ]) {
    ink.lineWidth = width;
    ink.strokeStyle = style;
    ink.beginPath();
    ink.setLineDash(dashed ? [4, 3.5] : []);
    ink.arc(x, y, size, 0, 2 * Math.PI);
    ink.stroke();
    ink.setLineDash([]);
    ink.beginPath();
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      ink.moveTo(x + dx * size, y + dy * size);
      ink.lineTo(x + dx * (size + 5), y + dy * (size + 5));
    }
    ink.stroke();
  }
  if (dashed) return;
  ink.fillStyle = colour;
  ink.fillRect(x - 1, y - 1, 2, 2);
}

/** Which side is being set, large, and on that side of the picture: the patient's left is right. */
export function banner(ink, { clientWidth, clientHeight }, side) {
  if (side !== "LEFT" && side !== "RIGHT") return;
  const x = side === "LEFT" ? clientWidth - STRIP - 4 : 4;
  ink.fillStyle = CHOSEN;
  ink.fillRect(side === "LEFT" ? x : x - 4, clientHeight * 0.2, 4, clientHeight * 0.6);
  ink.save();
  ink.font = "bold 19px system-ui, sans-serif";
  text(
    ink,
    side,
    side === "LEFT" ? x - 6 : x + 8,
    clientHeight * 0.2 + 10,
    side === "LEFT" ? "right" : "left",
    CHOSEN,
  );
  ink.restore();
}

/** Filled; hollow where nobody has confirmed it. */
export function dot(ink, [x, y], colour, hollow = false) {
  ink.fillStyle = hollow ? "rgba(0, 0, 0, 0.4)" : colour;
  ink.strokeStyle = hollow ? colour : "#000";
  ink.lineWidth = hollow ? 1.5 : 1;
  ink.beginPath();
  ink.arc(x, y, 4, 0, 2 * Math.PI);
  ink.fill();
  ink.stroke();
}

export function crosshair(ink, x, y) {
  ink.strokeStyle = CHOSEN;
  ink.lineWidth = 1;
  stroke(ink, [x - 16, y], [x - 4, y]);
  stroke(ink, [x + 4, y], [x + 16, y]);
  stroke(ink, [x, y - 16], [x, y - 4]);
  stroke(ink, [x, y + 4], [x, y + 16]);
}

/** Only the ends of a line: it would lie across what is to be looked at. */
export function ticks(ink, a, b) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const share = 14 / Math.max(Math.hypot(dx, dy), 1);
  ink.strokeStyle = SET;
  ink.lineWidth = 1;
  stroke(ink, a, [a[0] + dx * share, a[1] + dy * share]);
  stroke(ink, b, [b[0] - dx * share, b[1] - dy * share]);
}

export function stroke(ink, from, to) {
  ink.beginPath();
  ink.moveTo(...from);
  ink.lineTo(...to);
  ink.stroke();
}
