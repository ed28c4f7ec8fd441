import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { follow } from "../src/live";
import { signIn, signOut } from "../src/session";
import type { Operation, Watcher } from "../src/wire";

const watched = vi.hoisted((): { operation: Operation; watcher: Watcher<unknown>; stopped: boolean }[] => []);

vi.mock("../src/wire", () => ({
  watch(operation: Operation, watcher: Watcher<unknown>) {
    const one = { operation, watcher, stopped: false };
    watched.push(one);
    return () => {
      one.stopped = true;
    };
  },
}));

beforeEach(() => {
  watched.length = 0;
  vi.useFakeTimers();
  signIn("token");
});
afterEach(() => vi.useRealTimers());

function begin(nature = {}) {
  const heard: unknown[] = [];
  let after = 0;
  const stop = follow(
    () => ({ query: "subscription", variables: { after } }),
    {
      next: (data: { position: number }) => {
        after = data.position;
        heard.push(data.position);
      },
      problem: (message) => heard.push(message),
      over: () => heard.push("over"),
    },
    nature,
  );
  return { heard, stop };
}

test("what is lost is watched again from where it was", () => {
  const { heard } = begin();
  watched[0]?.watcher.next({ data: { position: 7 } });
  watched[0]?.watcher.lost("gone");
  vi.advanceTimersByTime(600);
  expect(watched).toHaveLength(2);
  expect(watched[1]?.operation.variables).toEqual({ after: 7 });
  expect(heard).toEqual([7]);
});

test("waits grow while nothing comes back, up to a bound", () => {
  begin();
  for (let n = 1; n <= 8; n++) {
    watched.at(-1)?.watcher.lost("gone");
    vi.advanceTimersByTime(n === 1 ? 500 : 4_000);
    expect(watched).toHaveLength(n + 1);
  }
  watched.at(-1)?.watcher.lost("gone");
  vi.advanceTimersByTime(2_000);
  expect(watched).toHaveLength(9);
});

test("a refusal is told, and asked again much later", () => {
  const { heard } = begin();
  watched[0]?.watcher.next({ errors: [{ message: "no" }] } as never);
  watched[0]?.watcher.over();
  vi.advanceTimersByTime(14_000);
  expect([heard, watched.length]).toEqual([["no"], 1]);
  vi.advanceTimersByTime(2_000);
  expect(watched).toHaveLength(2);
});

test("what is over ends, unless it never should be", () => {
  const { heard } = begin();
  watched[0]?.watcher.over();
  vi.advanceTimersByTime(60_000);
  expect([heard, watched.length]).toEqual([["over"], 1]);
  begin({ endless: true });
  watched[1]?.watcher.over();
  vi.advanceTimersByTime(600);
  expect(watched).toHaveLength(3);
});

test("nobody is watched for who is signed out, or was stopped", () => {
  const { stop } = begin();
  watched[0]?.watcher.lost("gone");
  signOut();
  vi.advanceTimersByTime(60_000);
  expect(watched).toHaveLength(1);
  stop();
  signIn("token");
  vi.advanceTimersByTime(60_000);
  expect(watched).toHaveLength(1);
});
