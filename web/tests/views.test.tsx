import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { BatchSystems } from "../src/batch-systems";
import { CampaignPage } from "../src/campaign";
import { CampaignList } from "../src/campaigns";
import { Discrepancies } from "../src/discrepancies";
import { Upload } from "../src/files";
import { History } from "../src/history";
import { Jobs } from "../src/jobs";
import { Recovery } from "../src/recovery";
import { signIn } from "../src/session";
import { SubmissionPage } from "../src/submission";
import { Triage } from "../src/triage";
import { UnfinishedWork } from "../src/unfinished-work";
import { answer, tell, type Root } from "./poms";

const live = vi.hoisted(() => ({ watch: (_: unknown, __: unknown) => () => {} }));

vi.mock("../src/wire", async (original) => ({
  ...(await original<typeof import("../src/wire")>()),
  watch: (...given: [never, never]) => live.watch(...given),
}));

function subscribe(root: Root): void {
  signIn("token");
  live.watch = tell(root) as typeof live.watch;
}

test("a batch system that is away says since when, and one that is paused by whom", async () => {
  answer({
    batchSystems: [
      { name: "local", reachable: true, running: 3, slots: 4 },
      { name: "slurm", reachable: false, pause: { reason: "upgrade", by: { username: "anna" } } },
    ],
  });
  render(<BatchSystems />);
  const away = (await screen.findByText("slurm")).closest("tr")!;
  expect(away.textContent).toMatch(/paused by anna since .*: upgrade/);
  expect(within(away).getByText("unreachable")).toBeTruthy();
  expect(within(screen.getByText("local").closest("tr")!).getByText("reachable")).toBeTruthy();
});

test("jobs begin with those that failed, and show their logs", async () => {
  const states: unknown[] = [];
  answer({
    submission: {
      jobs: (given: { states: unknown }) => {
        states.push(given.states);
        return { nodes: [{ id: "job:1.1", number: 1, state: "FAILED", exitCode: 3 }], pageInfo: {} };
      },
    },
    job: { logTail: "the end of the log" },
  });
  render(<Jobs submission="submission:1" version={0} anyFailed />);
  fireEvent.click(await screen.findByRole("button", { name: /Job 1: its log/ }));
  expect(await screen.findByText("the end of the log")).toBeTruthy();
  expect(states[0]).toEqual(["FAILED", "HELD", "REMOVED", "UNKNOWN"]);
  fireEvent.click(screen.getByRole("button", { name: "all" }));
  await waitFor(() => expect(states.at(-1)).toBeNull());
});

test("what came late is shown, and can be launched by whoever may launch the stage", async () => {
  const launched: unknown[] = [];
  answer({
    submission: {
      missing: [{ name: "a.root", isOutput: true, why: "never seen" }],
      lateFiles: [{ stageId: "stage:2", files: 3, names: ["x", "y"] }],
      stage: { availableActions: ["LAUNCH"] },
    },
    launchLate: (given: unknown) => {
      launched.push(given);
      return { __typename: "NotPermitted", message: "Not by you." };
    },
  });
  render(<UnfinishedWork submission="submission:1" version={0} />);
  expect((await screen.findByText(/3 files came after/)).textContent).toContain("x, y, …");
  expect(screen.getByText(/output a.root: never seen/)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Launch it now" }));
  expect((await screen.findByRole("alert")).textContent).toBe("Not by you.");
  expect(launched).toHaveLength(1);
});

test("a recovery is launched by the plan that was shown", async () => {
  let given: unknown;
  answer({
    planRecovery: {
      __typename: "RecoveryPlan",
      planHash: "h1",
      takenCount: 2,
      totalCount: 5,
      jobs: 1,
      command: ["run"],
      counts: [{ verdict: "JOB_FAILED", isTaken: true, count: 2 }],
    },
    launchRecovery: (arguments_: unknown) => {
      given = arguments_;
      return { __typename: "PlanChanged", message: "It is another now.", changes: [] };
    },
  });
  render(<Recovery submission="submission:1" tries={[]} possible version={0} />);
  fireEvent.click(await screen.findByRole("button", { name: "Launch it: 1 job" }));
  expect((await screen.findByRole("alert")).textContent).toBe("It is another now.");
  expect(given).toMatchObject({ planHash: "h1" });
});

test("failed jobs are grouped", async () => {
  answer({ stageTriage: { jobs: 4, groups: [{ count: 4, share: 1, exitCode: 3, log: "no space" }] } });
  render(<Triage of="stage" id="stage:1" version={0} />);
  expect(await screen.findByText(/4 failed and held jobs, recovered ones too, in 1 groups/)).toBeTruthy();
  expect(screen.getByText(/no space/)).toBeTruthy();
});

test("discrepancies of one kind can be decided about at once by whoever may", async () => {
  const one = { kind: "ORPHAN", batchSystem: "slurm", proposedRepair: { description: "remove it" } };
  answer({
    discrepancies: { nodes: [{ ...one, id: "discrepancy:1" }, { ...one, id: "discrepancy:2" }], pageInfo: {} },
    repairDiscrepancies: { __typename: "DiscrepanciesDecision", decided: 2 },
  });
  render(<Discrepancies />);
  fireEvent.click(await screen.findByRole("button", { name: "Repair all of kind orphan" }));
  expect(await screen.findByRole("button", { name: "Do it: repair 2" })).toBeTruthy();
});

test("history is told in order, the newest first", async () => {
  const node = (kind: string, __typename: string, said: object) => ({ cursor: kind, node: { __typename, kind, ...said } });
  const edges = [
    node("JOBS_CHANGED", "JobsChange", { running: 2 }),
    node("SUBMISSION_FAILED", "SubmissionChange", { reason: "no space", actor: { username: "anna" } }),
  ];
  answer({ submission: { history: { edges, pageInfo: {} } } });
  render(<History submission="submission:1" version={0} />);
  const lines = (await screen.findAllByRole("listitem")).map((item) => item.textContent);
  expect(lines[0]).toContain("by anna, no space");
  expect(lines[1]).toContain("+2 running");
});

test("campaigns have their sums beside them", async () => {
  answer({
    campaigns: { nodes: [{ id: "campaign:1", name: "first", active: true }], pageInfo: {} },
    campaignProgress: {
      account: { given: 9, done: { count: 7 }, lost: { count: 2 } },
      stages: [{ submissions: [{ state: "LOCATED", count: 2 }] }],
    },
  });
  render(<CampaignList />);
  const row = (await screen.findByText("first")).closest("tr")!;
  expect(await within(row).findByRole("img", { name: "7 done, 2 lost" })).toBeTruthy();
  expect(row.textContent).toContain("2 located");
  expect(row.textContent).toContain("2 lost");
});

test("a campaign's stages show how far they are as it is told", async () => {
  answer({
    campaign: {
      id: "campaign:1",
      name: "first",
      active: true,
      stages: [{ id: "stage:1", name: "generate", kind: "GENERATOR" }],
    },
  });
  subscribe({
    campaignProgress: { __typename: "CampaignProgress", stages: [{ stageId: "stage:1", jobsFailed: 3 }] },
  });
  render(<CampaignPage id="campaign:1" stage={null} view="submissions" />);
  expect(await screen.findByRole("link", { name: /Stage generate: .* 3 failed/ })).toBeTruthy();
});

test("a submission that asks for a decision says so; one that is not there, too", async () => {
  answer({ submission: {} });
  subscribe({
    submissionChanged: {
      __typename: "SubmissionNow",
      submission: { id: "submission:7", state: "FAILED", decisionNeeded: "Recover it, or kick it." },
    },
  });
  const page = render(<SubmissionPage id="submission:7" />);
  expect((await screen.findByText("Recover it, or kick it.")).role).toBe("alert");
  page.unmount();
  subscribe({ submissionChanged: { __typename: "NotFound", message: "There is none." } });
  render(<SubmissionPage id="submission:8" />);
  expect((await screen.findByRole("alert")).textContent).toBe("There is none.");
});

test("a campaign file shows what it would do, and is imported when asked for", async () => {
  const asked: unknown[] = [];
  const effect = { name: "first", revision: 2, changes: [{ stage: "generate", change: "CHANGED", fields: ["split"] }] };
  answer({
    experiments: { nodes: [{ name: "hypot" }] },
    importCampaign: ({ input }: { input: { dryRun: boolean } }) => {
      asked.push(input);
      return input.dryRun
        ? { __typename: "CampaignImportPlanned", planned: effect }
        : { __typename: "CampaignImported", campaign: { id: "campaign:3" }, effect };
    },
  });
  render(<Upload />);
  await screen.findByRole("option", { name: "hypot" });
  const file = Object.assign(new File([], "first.ini"), { text: async () => "[campaign]" });
  fireEvent.change(screen.getByLabelText("Campaign file"), { target: { files: [file] } });
  expect((await screen.findByText(/stage generate/)).textContent).toContain("(split)");
  fireEvent.click(screen.getByRole("button", { name: "Import first.ini into hypot" }));
  expect((await screen.findByRole("link")).getAttribute("href")).toBe("#/campaign:3");
  expect(asked).toMatchObject([
    { experiment: "hypot", text: "[campaign]", dryRun: true },
    { experiment: "hypot", text: "[campaign]", dryRun: false },
  ]);
});
