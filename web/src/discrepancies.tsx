/** What POMS and a batch system say differently, or workers fail at, with what would set each right. */
import { useState } from "react";
import { Reason } from "./actions";
import { DecideAll } from "./decide-all";
import { graphql, type Answered, type Document } from "./graphql";
import { Pager, Problem, usePaging, When } from "./parts";
import { useQuestion, useTicks } from "./question";
import { toSubmission } from "./route";
import { ask, carry, messageOf } from "./wire";
import { count, keyOf, plain } from "./words";

const LOOK_EVERY = 15_000;
const PAGE = 10;

const OPEN = graphql(`query Discrepancies($first: Int!, $after: String) {
  discrepancies(filter: { open: true }, first: $first, after: $after) {
    nodes {
      id kind batchSystem nativeId jobs details firstSeen submission { id availableActions }
      proposedRepair { description nextTryAt doneAt resultMessage }
    }
    pageInfo { hasNextPage endCursor }
  }
}`);

const PLAN = graphql(`mutation PlanRepair($id: ID!) {
  repairDiscrepancy(id: $id, dryRun: true) {
    ... on RepairPlanned { discrepancy { proposedRepair { description } } }
    ... on Problem { message }
  }
}`);
const REPAIR = graphql(`mutation Repair($id: ID!) {
  result: repairDiscrepancy(id: $id) { __typename ... on Problem { message } }
}`);
const DISMISS = graphql(`mutation Dismiss($id: ID!, $reason: String!) {
  result: dismissDiscrepancy(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`);

type Discrepancy = Answered<typeof OPEN>["discrepancies"]["nodes"][number];
export type DiscrepancyKind = Discrepancy["kind"];

export function Discrepancies() {
  const ticks = useTicks(LOOK_EVERY);
  const [decided, setDecided] = useState(0);
  const paging = usePaging();
  const variables = { first: PAGE, after: paging.after };
  const found = useQuestion(OPEN, variables, `${ticks} ${decided}`);
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
              <th>What</th>
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
      {severalKinds(open).map((kind) => (
        <DecideAll key={kind} kind={kind} decided={() => setDecided((old) => old + 1)} />
      ))}
      <Pager paging={paging} info={found.last?.discrepancies.pageInfo} />
    </section>
  );
}

/** The kinds of which there is more than one about which this viewer may decide. */
function severalKinds(open: readonly Discrepancy[]): readonly DiscrepancyKind[] {
  const kinds = open.filter(mayDecide).map(({ kind }) => kind);
  return [...new Set(kinds.filter((kind, n) => kinds.indexOf(kind) !== n))];
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
  const { description, nextTryAt, doneAt, resultMessage } = proposedRepair;
  const state = doneAt ? "done" : nextTryAt ? "asked for" : "proposed";
  return (
    <p>
      <span className="faint">{state}:</span> {description} {resultMessage}
    </p>
  );
}

function Decision({ of, decided }: { of: Discrepancy; decided: () => void }) {
  const [planned, setPlanned] = useState("");
  const [dismissing, setDismissing] = useState(false);
  const [problem, setProblem] = useState("");
  const asked = of.proposedRepair.nextTryAt !== null || of.proposedRepair.doneAt !== null;

  async function plan(): Promise<void> {
    setDismissing(false);
    const answer = await ask({ query: PLAN, variables: { id: of.id } });
    const result = answer.data?.repairDiscrepancy;
    const plans = result && "discrepancy" in result ? result.discrepancy : undefined;
    setProblem(answer.errors?.[0]?.message ?? messageOf(result));
    setPlanned(plans?.proposedRepair.description ?? "");
  }

  async function decide<Variables>(
    query: Document<{ result: object }, Variables>,
    variables: Variables,
  ): Promise<void> {
    const refused = await carry(query, variables);
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
        <button type="button" onClick={() => void decide(REPAIR, { id: of.id })}>
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
          ask={(reason) => decide(DISMISS, { id: of.id, reason })}
        />
      )}
      <Problem text={problem} />
    </div>
  );
}
