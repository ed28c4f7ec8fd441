/** Clusters of which POMS and a batch system say different things, with what would set each right. */
import { useState } from "react";
import { Reason } from "./actions";
import { Pager, Problem, usePaging, When, type PageInfo } from "./parts";
import { useQuestion, useTicks } from "./question";
import { toSubmission } from "./route";
import { ask, carry } from "./wire";
import { count, keyOf, plain } from "./words";

const LOOK_EVERY = 15_000;
const PAGE = 10;

const OPEN = `query Discrepancies($first: Int!, $after: String) {
  discrepancies(filter: { open: true }, first: $first, after: $after) {
    nodes {
      id kind batchSystem nativeId jobs details firstSeen submission { id availableActions }
      proposedRepair { does askedAt doneAt said }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

const PLAN = `mutation PlanRepair($id: ID!) {
  repairDiscrepancy(id: $id, dryRun: true) {
    ... on RepairPlanned { discrepancy { proposedRepair { does } } }
    ... on Problem { message }
  }
}`;
const REPAIR = `mutation Repair($id: ID!) {
  result: repairDiscrepancy(id: $id) { __typename ... on Problem { message } }
}`;
const DISMISS = `mutation Dismiss($id: ID!, $reason: String!) {
  result: dismissDiscrepancy(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`;

interface Discrepancy {
  readonly id: string;
  readonly kind: string;
  readonly batchSystem: string;
  readonly nativeId: string;
  readonly jobs: number;
  readonly details: string;
  readonly firstSeen: string;
  readonly submission: { readonly id: string; readonly availableActions: readonly string[] } | null;
  readonly proposedRepair: {
    readonly does: string;
    readonly askedAt: string | null;
    readonly doneAt: string | null;
    readonly said: string;
  };
}

interface Found {
  readonly discrepancies: { readonly nodes: readonly Discrepancy[]; readonly pageInfo: PageInfo };
}

interface Planned {
  readonly repairDiscrepancy: {
    readonly discrepancy?: { readonly proposedRepair: { readonly does: string } };
    readonly message?: string;
  };
}

export function Discrepancies() {
  const ticks = useTicks(LOOK_EVERY);
  const [decided, setDecided] = useState(0);
  const paging = usePaging();
  const variables = { first: PAGE, after: paging.after };
  const found = useQuestion<Found>(OPEN, variables, `${ticks} ${decided}`);
  const open = found.last?.discrepancies.nodes ?? [];
  if (open.length === 0 && paging.number === 1) return <Problem text={found.problem} />;
  return (
    <section className="page systems" aria-label="Discrepancies">
      <h2>Discrepancies</h2>
      <Problem text={found.problem} />
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>Cluster</th>
              <th>Submission</th>
              <th>How</th>
              <th className="number">Jobs</th>
              <th className="extra">Found</th>
              <th className="most">What is said by whom, and what would set it right</th>
            </tr>
          </thead>
          <tbody>
            {open.map((each) => (
              <Row key={each.id} of={each} decided={() => setDecided((old) => old + 1)} />
            ))}
          </tbody>
        </table>
      </div>
      <Pager paging={paging} info={found.last?.discrepancies.pageInfo} />
    </section>
  );
}

function Row({ of, decided }: { of: Discrepancy; decided: () => void }) {
  return (
    <tr>
      <th scope="row">
        {of.batchSystem} {of.nativeId}
      </th>
      <td>
        {of.submission ? (
          <a href={toSubmission(of.submission.id)}>{keyOf(of.submission.id)}</a>
        ) : (
          "unknown"
        )}
      </td>
      <td>{plain(of.kind)}</td>
      <td className="number">{count(of.jobs)}</td>
      <td className="extra">
        <When at={of.firstSeen} />
      </td>
      <td className="reason">
        {of.details}
        <Repair of={of} />
        {mayDecide(of) && <Decision of={of} decided={decided} />}
      </td>
    </tr>
  );
}

/** Those of unknown submissions are shown to admins only; of others somebody who operates them may. */
function mayDecide({ submission }: Discrepancy): boolean {
  return submission === null || submission.availableActions.length > 0;
}

function Repair({ of: { proposedRepair } }: { of: Discrepancy }) {
  const { does, askedAt, doneAt, said } = proposedRepair;
  const state = doneAt ? "done" : askedAt ? "asked for" : "proposed";
  return (
    <p>
      <span className="faint">{state}:</span> {does} {said}
    </p>
  );
}

function Decision({ of, decided }: { of: Discrepancy; decided: () => void }) {
  const [planned, setPlanned] = useState("");
  const [dismissing, setDismissing] = useState(false);
  const [problem, setProblem] = useState("");
  const asked = of.proposedRepair.askedAt !== null || of.proposedRepair.doneAt !== null;

  async function plan(): Promise<void> {
    setDismissing(false);
    const answer = await ask<Planned>({ query: PLAN, variables: { id: of.id } });
    const result = answer.data?.repairDiscrepancy;
    setProblem(answer.errors?.[0]?.message ?? result?.message ?? "");
    setPlanned(result?.discrepancy?.proposedRepair.does ?? "");
  }

  async function decide(query: string, variables: Record<string, string>): Promise<void> {
    const refused = await carry(query, { id: of.id, ...variables });
    setProblem(refused);
    setPlanned("");
    if (!refused) decided();
  }

  return (
    <div className="actions">
      {!asked && !planned && (
        <button type="button" onClick={() => void plan()}>
          Repair
        </button>
      )}
      {planned && (
        <button type="button" onClick={() => void decide(REPAIR, {})}>
          Do it: {planned}
        </button>
      )}
      <button
        type="button"
        aria-expanded={dismissing}
        onClick={() => {
          setPlanned("");
          setDismissing(!dismissing);
        }}
      >
        Dismiss
      </button>
      {dismissing && (
        <Reason
          name="Dismiss"
          effect="It stays as it is, and is never told of again."
          ask={(reason) => decide(DISMISS, { reason })}
        />
      )}
      <Problem text={problem} />
    </div>
  );
}
