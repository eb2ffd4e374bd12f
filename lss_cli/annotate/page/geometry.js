// Where slices lie in the patient. A slice is {size, spacing, position, right, down}: see view.py.
// Patient coordinates are DICOM's, in mm: x to the left, y to the back, z to the head.

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a, b) => a.map((value, i) => value - b[i]);
const cross = ([a, b, c], [d, e, f]) => [b * f - c * e, c * d - a * f, a * e - b * d];

/** The patient position of a pixel position. */
export function place({ spacing, position, right, down }, [x, y]) {
  return position.map((p, i) => p + x * spacing[0] * right[i] + y * spacing[1] * down[i]);
}

/** The pixel position straight above or below a patient position. */
export function project({ spacing, position, right, down }, where) {
  const from = minus(where, position);
  return [dot(from, right) / spacing[0], dot(from, down) / spacing[1]];
}

/** How far a patient position lies from the plane of a slice, in mm, with its sign. */
export function height({ position, right, down }, where) {
  return dot(minus(where, position), cross(right, down));
}

/** Where `other` cuts through `slice`: two pixel positions of `slice`, or null. */
export function cut(slice, other) {
  const [width, depth] = other.size;
  const corners = [
    [-0.5, -0.5],
    [width - 0.5, -0.5],
    [width - 0.5, depth - 0.5],
    [-0.5, depth - 0.5],
  ];
  const places = corners.map((corner) => place(other, corner));
  const crossings = [];
  for (let i = 0; i < 4; i++) {
    const a = places[i];
    const b = places[(i + 1) % 4];
    const before = height(slice, a);
    const after = height(slice, b);
    if (before < 0 === after < 0) continue;
    const share = before / (before - after);
    crossings.push(
      project(
        slice,
        a.map((value, k) => value + share * (b[k] - value)),
      ),
    );
  }
  return crossings.length === 2 ? crossings : null;
}

/**
 * The index of the slice through a patient position. Stacks of tilted slices overlap: of several,
 * the one whose stack has its middle nearest.
 */
export function sliceThrough(slices, where) {
  const holds = (slice) => {
    const [x, y] = project(slice, where);
    return x >= 0 && y >= 0 && x <= slice.size[0] - 1 && y <= slice.size[1] - 1;
  };
  const far = slices.map((slice) => (holds(slice) ? Math.abs(height(slice, where)) : Infinity));
  const nearest = Math.min(...far);
  if (nearest === Infinity) return null;
  const toMiddle = (index) => {
    const stack = slices.filter((other) => other.stack === slices[index].stack);
    return Math.abs(height(stack[stack.length >> 1], where));
  };
  const near = far.flatMap((mm, index) => (mm <= Math.max(nearest, REACH_MM) ? [index] : []));
  const [best] = near.sort((a, b) => toMiddle(a) - toMiddle(b) || far[a] - far[b]);
  const stack = near.filter((index) => slices[index].stack === slices[best].stack);
  return stack.sort((a, b) => far[a] - far[b])[0];
}

// About half the distance of two slices.
const REACH_MM = 2.5;

/** Whither a direction points, as R, L, A, P, F, H or two of them where it is oblique. */
export function letters(direction) {
  return direction
    .map((value, axis) => [Math.abs(value), ["RL", "AP", "FH"][axis][value > 0 ? 1 : 0]])
    .filter(([size]) => size > 0.3)
    .sort((a, b) => b[0] - a[0])
    .map(([, letter]) => letter)
    .slice(0, 2)
    .join("");
}
