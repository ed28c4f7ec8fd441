/** What one stage has done, below the picture: submissions, failures, and how it is set up. */
import { useState } from "react";
import { graphql, type Answered } from "./graphql";
import { Holds, HOLDS } from "./holds";
import { JoinTable } from "./join-table";
import { LINKS, Links } from "./links";
import { Bar, Figure, Problem, When } from "./parts";
import { accountPortions, inputsInWords, type StageProgress } from "./progress";
import { useCalmed, useQuestion } from "./question";
import { useLaunchNews } from "./queue";
import { toCampaign, toSubmission, type View } from "./route";
import { Submissions } from "./submissions";
import { Triage } from "./triage";
import { ask, messageOf } from "./wire";
import { commandLine, count, duration, keyOf, percent, plain } from "./words";
import { SUMMARIES, Summaries } from "./summaries";

const STAGE = graphql(`query Stage($id: ID!) {
  stage(id: $id) {
    id name kind split softwareVersion completion completionPct batchSystem mostUnfinished unfinished slices
    filesPerJob jobsPerSlice parameters { key value } availableActions
    jobType { name command patterns recoveries { type rounds } }
    loginSetup { name }
    ${HOLDS} ${LINKS} ${SUMMARIES}
    dataset { name filesTotal }
    schedule { active nextAt lastResultMessage }
  }
}`);

const LAUNCH = graphql(`mutation Launch($id: ID!, $isTest: Boolean!, $key: String!) {
  launchStage(input: { id: $id, isTest: $isTest }, idempotencyKey: $key) {
    __typename
    ... on Submission { id }
    ... on Problem { message }
  }
}`);

type Stage = NonNullable<Answered<typeof STAGE>["stage"]>;

const VIEWS: readonly { readonly view: View; readonly name: string }[] = [
  { view: "submissions", name: "Submissions" },
  { view: "failures", name: "Failures" },
  { view: "setup", name: "Setup" },
];
const OF_A_JOIN: typeof VIEWS = [{ view: "join", name: "Join" }, ...VIEWS];

const CALM = 1_500;

interface Props {
  readonly campaign: string;
  readonly id: string;
  readonly view: View;
  readonly progress: StageProgress | undefined;
}

export function StagePanel({ campaign, id, view, progress }: Props) {
  const version = useCalmed(signature(progress), CALM);
  const found = useQuestion(STAGE, { id }, `${version} ${useLaunchNews()}`);
  const stage = found.data?.stage;
  const joins = stage?.split.trim().toLowerCase().startsWith("joined") ?? false;
  return (
    <section className="panel">
      <Problem text={found.problem} />
      {stage && (
        <header className="heading">
          <h3>{stage.name}</h3>
          <nav className="tabs" aria-label="What to see of the stage">
            {(joins ? OF_A_JOIN : VIEWS).map((each) => (
              <a
                key={each.view}
                href={toCampaign(campaign, id, each.view)}
                aria-current={each.view === view ? "page" : undefined}
              >
                {each.name}
              </a>
            ))}
          </nav>
          <Links of={stage.links} />
          <Summaries of={stage.summaries} />
          <Launches stage={stage} />
          <Holds
            id={stage.id}
            what="stage"
            may={stage.availableActions.includes("HOLD_LAUNCHES")}
            holds={stage.launchHolds.filter((hold) => hold.scope === "STAGE")}
          />
        </header>
      )}
      {stage?.schedule?.active && (
        <p>
          By the clock: next <When at={stage.schedule.nextAt} />. {stage.schedule.lastResultMessage}
        </p>
      )}
      {progress && <Efficiency of={progress} />}
      {view === "submissions" && <Submissions stage={id} version={version} />}
      {view === "failures" && <Triage of="stage" id={id} version={version} />}
      {view === "join" && joins && <JoinTable stage={id} version={version} />}
      {view === "setup" && stage && <Setup stage={stage} />}
    </section>
  );
}

const ENDS = {
  NOTHING: "nothing launched",
  UNDER_WAY: "under way",
  DONE: "done",
  LOSSES: "done with losses",
  FAILED: "failed",
} as const;

function Efficiency({ of }: { of: StageProgress }) {
  const { account } = of;
  const more = account.notLaunched ? `; ${count(account.notLaunched)} of its dataset not launched` : "";
  return (
    <>
    <Bar portions={accountPortions(account)} />
    <dl className="figures">
      <Figure name="comes to">{ENDS[account.verdict]}</Figure>
      <Figure name="inputs, each once">{inputsInWords(account) + more}</Figure>
      <Figure name="slices launched">{count(of.slices)}</Figure>
      <Figure name="submissions">{count(of.submissionsTotal)}</Figure>
      <Figure name="wall time">{duration(of.wallS)}</Figure>
      <Figure name="in failed jobs">{duration(of.wallWastedS)}</Figure>
      <Figure name="CPU efficiency">{percent(of.cpuEfficiency)}</Figure>
      <Figure name="memory used">{percent(of.memoryEfficiency)}</Figure>
    </dl>
    </>
  );
}

function Launches({ stage }: { stage: Stage }) {
  const [asked, setAsked] = useState<{ isTest: boolean; key: string } | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function launch(isTest: boolean): Promise<void> {
    // One that got no answer is asked for with the same key: it is launched once.
    const key = asked?.isTest === isTest ? asked.key : newKey();
    setAsked({ isTest, key });
    setBusy(true);
    const answer = await ask({ query: LAUNCH, variables: { id: stage.id, isTest, key } });
    setBusy(false);
    const result = answer.data?.launchStage;
    if (result) setAsked(null);
    setProblem(answer.errors?.[0]?.message ?? messageOf(result));
    if (result && "id" in result) location.hash = toSubmission(result.id);
  }

  const may = (action: Stage["availableActions"][number]) => stage.availableActions.includes(action);
  return (
    <div className="actions">
      {may("LAUNCH") && (
        <button type="button" disabled={busy} onClick={() => void launch(false)}>
          Launch
        </button>
      )}
      {may("TEST_LAUNCH") && (
        <button type="button" disabled={busy} onClick={() => void launch(true)}>
          Test launch
        </button>
      )}
      <Problem text={problem} />
    </div>
  );
}

function Setup({ stage }: { stage: Stage }) {
  const words = [
    ...stage.jobType.command,
    ...stage.parameters.map((each) => each.key + each.value),
  ];
  const size =
    stage.kind === "GENERATOR"
      ? `${stage.jobsPerSlice} jobs per slice`
      : `${stage.filesPerJob} files per job`;
  const most = stage.mostUnfinished === null ? "no limit" : `at most ${stage.mostUnfinished}`;
  return (
    <>
      <pre className="command">{commandLine(words)}</pre>
      <dl className="figures">
        <Figure name="kind">{plain(stage.kind)}</Figure>
        <Figure name="job type">{stage.jobType.name}</Figure>
        <Figure name="login setup">{stage.loginSetup.name}</Figure>
        <Figure name="batch system">{stage.batchSystem}</Figure>
        <Figure name="version">{stage.softwareVersion || "–"}</Figure>
        <Figure name="split">{stage.split}</Figure>
        <Figure name="size">{size}</Figure>
        <Figure name="dataset">
          {stage.dataset
            ? `${stage.dataset.name} (${count(stage.dataset.filesTotal)} files)`
            : "none"}
        </Figure>
        <Figure name="outputs">{stage.jobType.patterns.join(", ") || "none"}</Figure>
        <Figure name="usable when">{`${stage.completionPct} % ${plain(stage.completion)}`}</Figure>
        <Figure name="recoveries">
          {stage.jobType.recoveries.map((each) => `${each.type} × ${each.rounds}`).join(", ") ||
            "none"}
        </Figure>
        <Figure name="unfinished">{`${stage.unfinished}, ${most}`}</Figure>
        <Figure name="id">{keyOf(stage.id)}</Figure>
      </dl>
    </>
  );
}

/** Equal as long as nothing in the tables can have changed. */
function signature(of: StageProgress | undefined): string {
  if (!of) return "";
  const jobs = [
    of.jobsRunning,
    of.jobsSucceeded,
    of.jobsFailed,
    of.jobsHeld,
    of.jobsRemoved,
    of.jobsTotal,
  ];
  const states = of.submissions.map((each) => `${each.state}${each.count}`);
  const { owed, lost, waived } = of.account;
  jobs.push(owed.count, lost.count, waived.count);
  return [...jobs, of.outputsLocated, of.outputsLost, of.slices, ...states].join(" ");
}

// crypto.randomUUID is only there on secure origins; this is everywhere.
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
