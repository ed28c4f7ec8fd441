/** Who goes with whom for a stage that joins: each set of parents, and what was launched for it. */
import { graphql, type Answered } from "./graphql";
import { Badge, Problem } from "./parts";
import { useQuestion, useTicks } from "./question";
import { toSubmission } from "./route";
import { keyOf, plain } from "./words";

const JOIN = graphql(`query Join($id: ID!) {
  previewJoin(id: $id) {
    by
    parents { id name }
    rows {
      key turn isComplete
      submission { id state }
      parents { isReady submission { id state } }
    }
  }
}`);

type Row = NonNullable<Answered<typeof JOIN>["previewJoin"]>["rows"][number];

const LOOK_EVERY = 5_000; // what happens upstream is told to nobody who watches this stage
const LONG = 30;
const HASH = 12; // what is longer is a hash, which says as much by its beginning

export function JoinTable({ stage, version }: { stage: string; version: string }) {
  const ticks = useTicks(LOOK_EVERY);
  const found = useQuestion(JOIN, { id: stage }, `${ticks} ${version}`);
  const join = found.last?.previewJoin;
  return (
    <>
      <Problem text={found.problem} />
      {join?.rows.length === 0 && <p className="empty">No stage before it was launched yet.</p>}
      {join && join.rows.length > 0 && (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>By {plain(join.by)}</th>
                {join.parents.map((parent) => (
                  <th key={parent.id}>{parent.name}</th>
                ))}
                <th className="wide">Launched</th>
              </tr>
            </thead>
            <tbody>
              {join.rows.map((row) => (
                <OneRow key={`${row.key} ${row.turn}`} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function OneRow({ row }: { row: Row }) {
  return (
    <tr>
      <th scope="row" title={row.key}>
        {row.key.length > LONG ? `${row.key.slice(0, HASH)}…` : row.key}
        {row.turn > 0 && ` (${row.turn + 1})`}
      </th>
      {row.parents.map((parent, n) => (
        <td key={n}>
          <Cell of={parent.submission} otherwise="not yet" />
        </td>
      ))}
      <td>
        <Cell of={row.submission} otherwise={row.isComplete ? "complete" : "waits"} />
      </td>
    </tr>
  );
}

function Cell({ of, otherwise }: { of: Row["submission"]; otherwise: string }) {
  if (of === null) return <span className="faint">{otherwise}</span>;
  return (
    <>
      <a href={toSubmission(of.id)} aria-label={`Submission ${keyOf(of.id)}`}>
        {keyOf(of.id)}
      </a>{" "}
      <Badge state={of.state} />
    </>
  );
}
