/** Deciding about all open discrepancies of a kind at once. */
import { useState } from "react";
import { Reason } from "./actions";
import type { DiscrepancyKind } from "./discrepancies";
import { graphql, type Answered, type Document } from "./graphql";
import { Problem } from "./parts";
import { ask, messageOf } from "./wire";
import { count, plain } from "./words";

const RESULT = `{
  ... on DiscrepanciesDecision { decided refused more }
  ... on Problem { message }
}` as const;
const REPAIR = graphql(`mutation RepairAll($kind: DiscrepancyKind!, $dryRun: Boolean!) {
  result: repairDiscrepancies(filter: { kinds: [$kind] }, dryRun: $dryRun) ${RESULT}
}`);
const DISMISS = graphql(`mutation DismissAll($kind: DiscrepancyKind!, $reason: String!) {
  result: dismissDiscrepancies(input: { filter: { kinds: [$kind] }, reason: $reason }) ${RESULT}
}`);

type Result = Answered<typeof REPAIR>["result"] | Answered<typeof DISMISS>["result"];
type Decision = Extract<Result, { decided: unknown }>;

interface Props {
  readonly kind: DiscrepancyKind;
  decided(): void;
}

export function DecideAll({ kind, decided }: Props) {
  const [planned, setPlanned] = useState<number | null>(null);
  const [dismissing, setDismissing] = useState(false);
  const [problem, setProblem] = useState("");

  async function carryOut<Variables>(
    query: Document<{ result: Result }, Variables>,
    variables: Variables,
  ): Promise<Decision | null> {
    const answer = await ask({ query, variables });
    const result = answer.data?.result;
    setProblem(answer.errors?.[0]?.message ?? messageOf(result));
    return result && "decided" in result ? result : null;
  }

  async function plan(): Promise<void> {
    setDismissing(false);
    setPlanned((await carryOut(REPAIR, { kind, dryRun: true }))?.decided ?? null);
  }

  async function decide<Variables>(
    query: Document<{ result: Result }, Variables>,
    variables: Variables,
  ): Promise<void> {
    const result = await carryOut(query, variables);
    setPlanned(null);
    if (result) decided();
  }

  return (
    <div className="actions" aria-label={`All of kind ${plain(kind)}`} role="group">
      {planned === null ? (
        <button type="button" onClick={() => void plan()}>
          Repair all of kind {plain(kind)}
        </button>
      ) : (
        <button type="button" onClick={() => void decide(REPAIR, { kind, dryRun: false })}>
          Do it: repair {count(planned)}
        </button>
      )}
      <button type="button" aria-expanded={dismissing} onClick={() => setDismissing(!dismissing)}>
        Dismiss all of kind {plain(kind)}
      </button>
      {dismissing && (
        <Reason
          name="Dismiss all"
          effect="They stay as they are, and are never told of again."
          ask={(reason) => decide(DISMISS, { kind, reason })}
        />
      )}
      <Problem text={problem} />
    </div>
  );
}
