/** Where the boxes and edges of a campaign's picture go. */

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly patterns: readonly string[];
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly places: ReadonlyMap<string, Place>;
}

export interface Line {
  readonly path: string;
  readonly label: Place;
}

export const BOX = { width: 264, height: 186 } as const;
const GAP = { across: 136, down: 56 } as const;
const MARGIN = { x: 8, top: 52, bottom: 10 } as const;
// Where the feet of a label stand: above a level line, or on one that falls or rises.
const [ABOVE, ON] = [-9, 4];

/** Boxes left to right by how many steps lead to them, each column in the order of what leads there. */
export function draw(ids: readonly string[], edges: readonly Edge[]): Drawing {
  const columns = ordered(columnsOf(ids, edges), edges);
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const room = tallest * BOX.height + (tallest - 1) * GAP.down;
  const places = new Map<string, Place>();
  columns.forEach((column, level) => {
    const own = column.length * BOX.height + (column.length - 1) * GAP.down;
    column.forEach((id, row) => {
      const y = MARGIN.top + (room - own) / 2 + row * (BOX.height + GAP.down);
      places.set(id, { x: MARGIN.x + level * (BOX.width + GAP.across), y });
    });
  });
  const wide = columns.length * BOX.width + Math.max(0, columns.length - 1) * GAP.across;
  // A line that goes around a box may go below the lowest one.
  const around = edges.some(({ from, to }) => skips(places.get(from), places.get(to)));
  const below = around ? MARGIN.bottom + GAP.down / 2 : MARGIN.bottom;
  return { width: wide + 2 * MARGIN.x, height: MARGIN.top + room + below, places };
}

/** The line of an edge among all boxes, and where its label goes. */
export function line(from: Place, to: Place, all: Iterable<Place>): Line {
  if (from === to) return loop(from);
  const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2];
  const [x2, y2] = [to.x, to.y + BOX.height / 2];
  const bend = GAP.across / 2;
  if (!skips(from, to))
    return {
      path: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`,
      label: { x: (x1 + x2) / 2, y: (y1 + y2) / 2 + (y1 === y2 ? ABOVE : ON) },
    };
  // Around the boxes between: down beside the first, along below them, up beside the last.
  const between = [...all].filter((place) => place.x >= from.x && place.x <= to.x);
  const low = Math.max(...between.map((place) => place.y)) + BOX.height + GAP.down / 2;
  const path =
    `M${x1},${y1} C${x1 + bend},${y1} ${x1 + bend / 2},${low} ${x1 + bend},${low} ` +
    `L${x2 - bend},${low} C${x2 - bend / 2},${low} ${x2 - bend},${y2} ${x2},${y2}`;
  return { path, label: { x: (x1 + x2) / 2, y: low + ABOVE } };
}

function skips(from: Place | undefined, to: Place | undefined): boolean {
  return from !== undefined && to !== undefined && to.x - from.x > BOX.width + GAP.across + 1;
}

function loop(at: Place): Line {
  const [right, left] = [at.x + BOX.width * 0.72, at.x + BOX.width * 0.28];
  const path = `M${right},${at.y} C${right},${at.y - 42} ${left},${at.y - 42} ${left},${at.y}`;
  return { path, label: { x: at.x + BOX.width / 2, y: at.y - 38 } };
}

function columnsOf(ids: readonly string[], edges: readonly Edge[]): string[][] {
  const levels = new Map(ids.map((id) => [id, 0]));
  const ahead = edges.filter((edge) => edge.from !== edge.to);
  // The longest way to a box has fewer steps than there are boxes; that bounds a circle, too.
  for (let round = 1; round < ids.length; round++) {
    let moved = false;
    for (const { from, to } of ahead) {
      const least = Math.min((levels.get(from) ?? 0) + 1, ids.length - 1);
      if (!levels.has(to) || (levels.get(to) ?? 0) >= least) continue;
      levels.set(to, least);
      moved = true;
    }
    if (!moved) break;
  }
  const columns: string[][] = [];
  for (const [id, level] of levels) (columns[level] ??= []).push(id);
  return [...columns].map((column) => column ?? []);
}

function ordered(columns: string[][], edges: readonly Edge[]): string[][] {
  const rank = new Map<string, number>();
  return columns.map((column) => {
    const sorted = [...column].sort((a, b) => pull(a, edges, rank) - pull(b, edges, rank));
    sorted.forEach((id, row) => rank.set(id, row / sorted.length));
    return sorted;
  });
}

function pull(id: string, edges: readonly Edge[], rank: ReadonlyMap<string, number>): number {
  const rows = edges
    .filter((edge) => edge.to === id && rank.has(edge.from))
    .map((edge) => rank.get(edge.from) ?? 0);
  return rows.length > 0 ? rows.reduce((sum, row) => sum + row, 0) / rows.length : 0;
}
