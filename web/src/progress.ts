/** How far stages are, as POMS tells it. */
import { graphql, type Answered, type Fields } from "./graphql";
import type { Portion } from "./parts";

export const JOBS =
  "jobsTotal jobsIdle jobsRunning jobsHeld jobsSucceeded jobsFailed jobsRemoved jobsUnknown";

/** Jobs by state; stages and submissions have the same counters. */
export type JobCounts = Fields<"StageProgress", typeof JOBS>;

export const COUNTERS = `${JOBS}
  filesWaiting filesDelivered filesSkipped filesDone filesFailed
  outputsDeclared outputsLocated outputsLost outputsSuperseded eventsLocated
  cpuS wallS wallWastedS cpuEfficiency memoryEfficiency` as const;

/** Jobs, files and what they used; stages and submissions have the same counters. */
export type Counters = Fields<"StageProgress", typeof COUNTERS>;

export const PROGRESS = graphql(`subscription Progress($id: ID!) {
  campaignProgress(id: $id) {
    ... on CampaignProgress {
      head
      stages { stageId slices submissionsTotal submissions { state count } ${COUNTERS} }
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

/** What a bar of input files is made of. */
export function filePortions(of: Counters): Portion[] {
  return [
    { name: "done", tone: "ok", count: of.filesDone },
    { name: "failed", tone: "bad", count: of.filesFailed },
    { name: "skipped", tone: "gone", count: of.filesSkipped },
    { name: "waiting", tone: "idle", count: of.filesWaiting },
  ];
}

/** How many files a stage or submission was given. */
export function filesGiven(of: Counters): number {
  return filePortions(of).reduce((sum, portion) => sum + portion.count, 0);
}
