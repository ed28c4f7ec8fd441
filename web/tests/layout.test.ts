import { expect, test } from "vitest";
import { BOX, draw, line, type Edge } from "../src/layout";

function edge(from: string, to: string): Edge {
  return { from, to, patterns: [] };
}

test("a stage stands right of all that lead to it", () => {
  const { places } = draw(["c", "b", "a"], [edge("a", "b"), edge("b", "c"), edge("a", "c")]);
  const columns = ["a", "b", "c"].map((id) => places.get(id)?.x);
  expect(columns).toEqual([...columns].sort((x, y) => (x ?? 0) - (y ?? 0)));
  expect(new Set(columns).size).toBe(3);
});

test("no boxes overlap, and all are inside of the drawing", () => {
  const ids = ["a", "b", "c", "d", "e"];
  const { width, height, places } = draw(ids, [edge("a", "b"), edge("a", "c"), edge("a", "d"), edge("d", "e")]);
  const all = [...places.values()];
  expect(all).toHaveLength(5);
  for (const one of all) {
    expect(one.x + BOX.width).toBeLessThanOrEqual(width);
    expect(one.y + BOX.height).toBeLessThanOrEqual(height);
    for (const other of all)
      if (one !== other)
        expect(
          Math.abs(one.x - other.x) >= BOX.width || Math.abs(one.y - other.y) >= BOX.height,
        ).toBe(true);
  }
});

test("circles and stages that feed themselves are drawn, too", () => {
  const { places } = draw(["a", "b"], [edge("a", "b"), edge("b", "a"), edge("a", "a")]);
  expect(places.size).toBe(2);
  const [a] = places.values();
  expect(a && line(a, a, places.values()).path).toMatch(/^M/);
});

test("a line goes around what is between", () => {
  const { places } = draw(["a", "b", "c"], [edge("a", "b"), edge("b", "c"), edge("a", "c")]);
  const [a, b, c] = ["a", "b", "c"].map((id) => places.get(id) ?? { x: 0, y: 0 });
  const around = line(a!, c!, places.values());
  expect(around.label.y).toBeGreaterThan(b!.y + BOX.height);
});
