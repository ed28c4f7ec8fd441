/** How far stages are, as POMS tells it. */
import type { Portion } from "./parts";
import type { State } from "./words";

export interface StateCount {
  readonly state: State;
  readonly count: number;
}

/** Jobs by state; stages and submissions have the same counters. */
export interface JobCounts {
  readonly jobsTotal: number;
  readonly jobsIdle: number;
  readonly jobsRunning: number;
  readonly jobsHeld: number;
  readonly jobsSucceeded: number;
  readonly jobsFailed: number;
  readonly jobsRemoved: number;
  readonly jobsUnknown: number;
}

export interface FileCounts {
  readonly filesWaiting: number;
  readonly filesDelivered: number;
  readonly filesSkipped: number;
  readonly filesDone: number;
  readonly filesFailed: number;
  readonly outputsDeclared: number;
  readonly outputsLocated: number;
  readonly outputsLost: number;
  readonly outputsSuperseded: number;
  readonly eventsLocated: number;
}

export interface Usage {
  readonly cpuS: number;
  readonly wallS: number;
  readonly wallWastedS: number;
  readonly cpuEfficiency: number | null;
  readonly memoryEfficiency: number | null;
}

export interface StageProgress extends JobCounts, FileCounts, Usage {
  readonly stageId: string;
  readonly slices: number;
  readonly submissionsTotal: number;
  readonly submissions: readonly StateCount[];
}

export interface CampaignProgress {
  readonly head: string;
  readonly stages: readonly StageProgress[];
}

export const JOBS =
  "jobsTotal jobsIdle jobsRunning jobsHeld jobsSucceeded jobsFailed jobsRemoved jobsUnknown";

export const COUNTERS = `${JOBS}
  filesWaiting filesDelivered filesSkipped filesDone filesFailed
  outputsDeclared outputsLocated outputsLost outputsSuperseded eventsLocated
  cpuS wallS wallWastedS cpuEfficiency memoryEfficiency`;

export const PROGRESS = `subscription Progress($id: ID!) {
  campaignProgress(id: $id) {
    ... on CampaignProgress {
      head
      stages { stageId slices submissionsTotal submissions { state count } ${COUNTERS} }
    }
    ... on NotFound { message }
  }
}`;

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
export function filePortions(of: FileCounts): Portion[] {
  return [
    { name: "done", tone: "ok", count: of.filesDone },
    { name: "failed", tone: "bad", count: of.filesFailed },
    { name: "skipped", tone: "gone", count: of.filesSkipped },
    { name: "waiting", tone: "idle", count: of.filesWaiting },
  ];
}

/** How many files a stage or submission was given. */
export function filesGiven(of: FileCounts): number {
  return filePortions(of).reduce((sum, portion) => sum + portion.count, 0);
}
