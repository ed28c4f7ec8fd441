/** Doing again what a submission left undone: what was tried, and a plan before anything happens. */
import { useState } from "react";
import { graphql, type Answered, type Fields } from "./graphql";
import { Problem, Related, When } from "./parts";
import { useQuestion } from "./question";
import { ask, messageOf } from "./wire";
import { commandLine, count, plain, several } from "./words";

const TYPES: Record<string, string> = {
  consumed_status: "what was not done",
  process_status: "what was not done, and what a job did that did not end well",
  added_files: "files that came after the launch",
  delivered_not_consumed: "what jobs got and did not do",
  pending_files: "what has not all its outputs located",
  failed: "what failed",
  orphans: "what was done without all its outputs located",
  all: "everything",
};

const PLAN = graphql(`query Plan($id: ID!, $type: String!) {
  planRecovery(id: $id, recovery: { type: $type }) {
    ... on RecoveryPlan {
      planHash takenCount totalCount jobs bytes command resources { cpus memoryMb diskMb walltimeS }
      counts { verdict isTaken count }
      files(first: 10) { nodes { verdict isTaken index file { name } } }
    }
    ... on Problem { message }
  }
}`);

const LAUNCH = graphql(`mutation Recover($id: ID!, $plan: String!) {
  launchRecovery(id: $id, planHash: $plan) {
    __typename
    ... on Submission { id }
    ... on Problem { message }
    ... on PlanChanged { changes { part } }
  }
}`);

export const TRIES =
  "recoveryAttempts { type position round decision takenCount totalCount at recovery { id } by { username } }";

type Try = Fields<"Submission", typeof TRIES>["recoveryAttempts"][number];
type Plan = Extract<Answered<typeof PLAN>["planRecovery"], { planHash: unknown }>;

interface Props {
  readonly submission: string;
  readonly tries: readonly Try[];
  readonly possible: boolean;
  readonly version: unknown;
}

export function Recovery({ submission, tries, possible, version }: Props) {
  return (
    <>
      <Tries tries={tries} />
      {possible ? (
        <Planned submission={submission} version={version} />
      ) : (
        <p className="faint">It runs, or you may not recover it by hand.</p>
      )}
    </>
  );
}

function Tries({ tries }: { tries: readonly Try[] }) {
  if (tries.length === 0) return null;
  return (
    <ul className="asked">
      {tries.map((each) => (
        <li key={`${each.at} ${each.position} ${each.round}`}>
          <When at={each.at} /> {each.type}
          {each.position === null
            ? ` by ${each.by?.username ?? "hand"}`
            : `, entry ${each.position + 1}, round ${(each.round ?? 0) + 1}`}
          : {plain(each.decision)}, {count(each.takenCount)} of {count(each.totalCount)}{" "}
          {each.recovery && (
            <Related mark="↺" id={each.recovery.id} title="Recovered by submission" />
          )}
        </li>
      ))}
    </ul>
  );
}

function Planned({ submission, version }: { submission: string; version: unknown }) {
  const [type, setType] = useState("consumed_status");
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const found = useQuestion(PLAN, { id: submission, type }, version);
  const planned = found.data?.planRecovery;
  const plan = planned && "planHash" in planned ? planned : undefined;

  function launch(hash: string) {
    setBusy(true);
    void carry(submission, hash)
      .then(setSaid)
      .finally(() => setBusy(false));
  }

  return (
    <>
      <label>
        Take{" "}
        <select
          value={type}
          onChange={(event) => {
            setSaid("");
            setType(event.target.value);
          }}
        >
          {Object.entries(TYPES).map(([name, meaning]) => (
            <option key={name} value={name}>
              {name}: {meaning}
            </option>
          ))}
        </select>
      </label>
      <Problem text={found.problem || messageOf(planned)} />
      {plan && <Shown plan={plan} />}
      {plan && plan.takenCount > 0 && (
        <button type="button" disabled={busy} onClick={() => launch(plan.planHash)}>
          Launch it: {several(plan.jobs, "job")}
        </button>
      )}
      <Problem text={said} />
    </>
  );
}

function Shown({ plan }: { plan: Plan }) {
  const { cpus, memoryMb, walltimeS } = plan.resources;
  return (
    <>
      <p>
        {count(plan.takenCount)} of {count(plan.totalCount)}
        {plan.takenCount === 0 ? ": nothing to launch." : ` in ${several(plan.jobs, "job")}, each with`}
        {plan.takenCount > 0 && ` ${several(cpus ?? 1, "core")}, ${memoryMb} MB, ${walltimeS} s:`}
      </p>
      {plan.takenCount > 0 && <pre className="command">{commandLine(plan.command)}</pre>}
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>Why</th>
              <th>In or out</th>
              <th>How many</th>
              <th>For example</th>
            </tr>
          </thead>
          <tbody>
            {plan.counts.map((each) => (
              <tr key={each.verdict}>
                <th scope="row">{plain(each.verdict)}</th>
                <td>{each.isTaken ? "in" : "out"}</td>
                <td>{count(each.count)}</td>
                <td>{example(plan, each.verdict)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function example(plan: Plan, verdict: string): string {
  const one = plan.files.nodes.find((each) => each.verdict === verdict);
  if (!one) return "";
  return one.file?.name ?? `unit ${one.index}`;
}

/** Launch what was shown; the result is why not, or nothing. */
async function carry(id: string, plan: string): Promise<string> {
  const answer = await ask({ query: LAUNCH, variables: { id, plan } });
  const came = answer.data?.launchRecovery;
  const changes = came && "changes" in came ? came.changes : [];
  const changed = changes.map((each) => plain(each.part)).join(", ");
  const message = answer.errors?.[0]?.message ?? messageOf(came);
  return changed ? `${message} Changed: ${changed}.` : message;
}
