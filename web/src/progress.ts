/** How far stages are, as POMS tells it. */
import { graphql, type Answered, type Fields } from "./graphql";
import type { Portion } from "./parts";
import { count, exactPercent } from "./words";

export const JOBS =
  "jobsTotal jobsIdle jobsRunning jobsHeld jobsSucceeded jobsFailed jobsRemoved jobsUnknown";

/** Jobs by state; stages and submissions have the same counters. */
export type JobCounts = Fields<"StageProgress", typeof JOBS>;

export const COUNTERS = `${JOBS}
  outputsDeclared outputsLocated outputsLost outputsSuperseded eventsLocated
  cpuS wallS wallWastedS cpuEfficiency memoryEfficiency` as const;

/** What became of inputs, each counted once; of whatever has such an account. */
export const ACCOUNT = `account {
  verdict given done { count percent } inWork { count } waiting { count } owed { count } lost { count } waived { count }
  notLaunched
}` as const;

export type Account = Fields<"StageProgress", typeof ACCOUNT>["account"];

/** Jobs, outputs and what they used; stages and submissions have the same counters. */
export type Counters = Fields<"StageProgress", typeof COUNTERS>;

export const PROGRESS = graphql(`subscription Progress($id: ID!) {
  campaignProgress(id: $id) {
    ... on CampaignProgress {
      head
      stages { stageId slices submissionsTotal submissions { state count } ${COUNTERS} ${ACCOUNT} }
    }
    ... on NotFound { message }
  }
}`);

export type CampaignProgress = Extract<
  Answered<typeof PROGRESS>["campaignProgress"],
  { stages: unknown }
>;
export type StageProgress = CampaignProgress["stages"][number];

/** What a bar of jobs is made of. */
export function jobPortions(of: JobCounts): Portion[] {
  return [
    { name: "succeeded", tone: "ok", count: of.jobsSucceeded },
    { name: "failed", tone: "bad", count: of.jobsFailed },
    { name: "running", tone: "run", count: of.jobsRunning },
    { name: "held", tone: "held", count: of.jobsHeld },
    { name: "removed", tone: "gone", count: of.jobsRemoved },
    { name: "unknown", tone: "held", count: of.jobsUnknown },
    { name: "idle", tone: "idle", count: of.jobsIdle },
  ];
}

/** What a bar of inputs is made of: each counted once, by the last launch to which it was given. */
export function accountPortions(of: Account): Portion[] {
  return [
    { name: "done", tone: "ok", count: of.done.count },
    { name: "lost", tone: "bad", count: of.lost.count },
    { name: "in work", tone: "run", count: of.inWork.count },
    { name: "owed", tone: "held", count: of.owed.count },
    { name: "waived", tone: "gone", count: of.waived.count },
    { name: "waiting", tone: "idle", count: of.waiting.count },
  ];
}

/** What became of inputs, in words: `476 of 500 inputs done (95.2 %), 24 lost`. */
export function inputsInWords(of: Account): string {
  if (of.given === 0) return "no inputs yet";
  const [, ...others] = accountPortions(of).filter((each, place) => place === 0 || each.count > 0);
  const rest = others.map((each) => `, ${count(each.count)} ${each.name}`).join("");
  return `${count(of.done.count)} of ${count(of.given)} inputs done (${exactPercent(of.done.percent)})${rest}`;
}
