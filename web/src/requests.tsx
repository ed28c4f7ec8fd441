/** The requests that are not over: those first that wait for who looks. */
import { graphql, type Answered } from "./graphql";
import { Pager, Problem, usePaging, When } from "./parts";
import { useQuestion, useTicks } from "./question";
import { toRequest } from "./route";
import { plain } from "./words";

const PAGE = 10;
const LOOK_EVERY = 5_000;

const ROW =
  "id name title state stateSince owner { username } waitingOn { rule isTurn reason }" as const;

const REQUESTS = graphql(`query Requests($first: Int!, $after: String) {
  mine: requests(filter: {waitingOnMe: true}, first: 20) { nodes { ${ROW} } }
  requests(
    filter: {states: [DRAFT, SUBMITTED, RETURNED, APPROVED, ASSIGNED, RUNNING]}
    first: $first
    after: $after
  ) {
    nodes { ${ROW} }
    pageInfo { hasNextPage endCursor }
  }
}`);

type Row = Answered<typeof REQUESTS>["requests"]["nodes"][number];

export function RequestList() {
  const paging = usePaging();
  const ticks = useTicks(LOOK_EVERY);
  const found = useQuestion(REQUESTS, { first: PAGE, after: paging.after }, ticks);
  const nodes = found.last?.requests.nodes ?? [];
  const mine = found.last?.mine.nodes ?? [];
  if (nodes.length === 0 && paging.number === 1) return <Problem text={found.problem} />;
  return (
    <section className="page" aria-label="Requests">
      <h2>Requests</h2>
      <Problem text={found.problem} />
      {mine.length > 0 && (
        <>
          <h3>Your agreement is waited for</h3>
          <Table rows={mine} />
          <h3>All that are not over</h3>
        </>
      )}
      <Table rows={nodes} />
      <Pager paging={paging} info={found.last?.requests.pageInfo} />
    </section>
  );
}

function Table({ rows }: { rows: readonly Row[] }) {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            {["Request", "Title", "Of", "State", "Since", "Waits for"].map((head) => (
              <th key={head}>{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <th scope="row">
                <a href={toRequest(row.id)}>{row.name}</a>
              </th>
              <td>{row.title}</td>
              <td>{row.owner.username}</td>
              <td>{plain(row.state)}</td>
              <td>
                <When at={row.stateSince} />
              </td>
              <td>{waitsFor(row)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The rules whose people have the turn; of a draft nobody. */
function waitsFor(row: Row): string {
  if (row.state === "DRAFT" || row.state === "RETURNED") return row.owner.username;
  const turn = row.waitingOn.filter((each) => each.isTurn);
  return [...new Set(turn.map((each) => each.rule))].join(", ");
}
