import { act, renderHook } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import "./poms";

beforeEach(() => vi.resetModules());

async function begin() {
  const pulse = await import("../src/pulse");
  return { ...pulse, now: () => renderHook(() => pulse.usePulse()).result };
}

test("nothing is live before everything that is watched has answered", async () => {
  const { awaits, heard, now } = await begin();
  const [a, b] = [{}, {}];
  const pulse = now();
  act(() => [a, b].forEach(awaits));
  act(() => heard(a));
  expect(pulse.current).toMatchObject({ up: false, comebacks: 0 });
  act(() => heard(b));
  expect(pulse.current).toMatchObject({ up: true, reason: "", comebacks: 0 });
});

test("a connection that comes back is counted once, when all have it again", async () => {
  const { heard, lost, now } = await begin();
  const [a, b] = [{}, {}];
  const pulse = now();
  act(() => [a, b].forEach((who) => lost(who, "gone")));
  act(() => heard(a));
  expect(pulse.current).toMatchObject({ up: false, reason: "gone", comebacks: 0 });
  act(() => heard(b));
  act(() => heard(b));
  expect(pulse.current).toMatchObject({ up: true, reason: "", comebacks: 1 });
});

test("who watches no more is waited for no more", async () => {
  const { awaits, heard, leaves, now } = await begin();
  const [a, b] = [{}, {}];
  const pulse = now();
  act(() => [a, b].forEach(awaits));
  act(() => heard(a));
  act(() => leaves(b));
  expect(pulse.current.up).toBe(true);
});

test("faults of the service are shown until it has others", async () => {
  const { ails, now } = await begin();
  const pulse = now();
  act(() => ails(["the database is away"]));
  const kept = pulse.current.faults;
  act(() => ails(["the database is away"]));
  expect(pulse.current.faults).toBe(kept);
  act(() => ails([]));
  expect(pulse.current.faults).toEqual([]);
});
