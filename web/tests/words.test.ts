import { expect, test } from "vitest";
import { accountPortions, inputsInWords, jobPortions } from "../src/progress";
import { routeIn, toCampaign, toSubmission } from "../src/route";
import { brief, commandLine, count, duration, exactPercent, keyOf, percent, plain, several, toneOf } from "../src/words";

test("numbers are written in full where there is room", () => {
  expect([count(1234567), brief(9999), brief(12345), several(1, "job"), several(2000, "job")]).toEqual([
    "1,234,567", "9,999", "12.3K", "1 job", "2,000 jobs",
  ]);
});

test("what is not known is a dash", () => {
  expect([percent(null), duration(null), percent(0.126)]).toEqual(["–", "–", "13 %"]);
});

test("times have a unit that fits", () => {
  expect([1.25, 90, 600, 7200, 86400 * 30].map(duration)).toEqual([
    "1.3 s", "90 s", "10 min", "2.0 h", "30 d",
  ]);
});

test("words and ids are for people", () => {
  expect([plain("LAUNCH_FAILED"), keyOf("submission:42"), toneOf("LOCATED")]).toEqual([
    "launch failed", "42", "ok",
  ]);
});

test("a command can be pasted into a shell", () => {
  expect(commandLine(["run", "--seed=1", "it's", "a b"])).toBe("run --seed=1 'it'\\''s' 'a b'");
});

test("addresses lead back to where they came from", () => {
  expect(routeIn(toSubmission("submission:7"))).toEqual({ page: "submission", id: "submission:7" });
  expect(routeIn(toCampaign("campaign:1", "stage:2", "failures"))).toEqual({
    page: "campaign", id: "campaign:1", stage: "stage:2", view: "failures",
  });
  expect(routeIn("#/campaign:1/stage:2/nonsense")).toMatchObject({ view: "submissions" });
  expect(routeIn("#/%E0%A4%A")).toEqual({ page: "campaigns" });
});

test("portions are all jobs and all inputs that were given", () => {
  const jobs = {
    jobsTotal: 28, jobsIdle: 1, jobsRunning: 2, jobsHeld: 3, jobsSucceeded: 4, jobsFailed: 5, jobsRemoved: 6,
    jobsUnknown: 7,
  };
  expect(jobPortions(jobs).reduce((sum, each) => sum + each.count, 0)).toBe(28);
  const part = (count: number) => ({ count, percent: count });
  const account = {
    verdict: "LOSSES", given: 100, done: part(70), inWork: part(2), waiting: part(3), owed: part(0), lost: part(24),
    waived: part(1), notLaunched: null,
  } as const;
  expect(accountPortions(account).reduce((sum, each) => sum + each.count, 0)).toBe(100);
  expect(inputsInWords(account)).toBe("70 of 100 inputs done (70.0 %), 24 lost, 2 in work, 1 waived, 3 waiting");
  expect(exactPercent(99.99)).toBe("99.9 %");
});
