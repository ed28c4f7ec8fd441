/** The submissions of a stage, the newest first. */
import { graphql, type Answered } from "./graphql";
import { Badge, Bar, Pager, Problem, Related, usePaging, When } from "./parts";
import { JOBS, jobPortions } from "./progress";
import { useQuestion } from "./question";
import { toSubmission } from "./route";
import { brief, keyOf } from "./words";

const PAGE = 20;

const SUBMISSIONS = graphql(`query Submissions($first: Int!, $after: String, $stage: ID!) {
  submissions(first: $first, after: $after, filter: {stageId: $stage}) {
    nodes {
      id state reason isTest createdAt recoveryPosition round
      slice { epoch number parameter }
      origin { id } upstream { id } recoveries { id } dependents { id }
      account { lost { count } }
      ${JOBS}
    }
    pageInfo { hasNextPage endCursor }
  }
}`);

type Row = Answered<typeof SUBMISSIONS>["submissions"]["nodes"][number];

const MOST_MARKS = 4;

export function Submissions({ stage, version }: { stage: string; version: unknown }) {
  const paging = usePaging(stage);
  const variables = { first: PAGE, after: paging.after, stage };
  const found = useQuestion(SUBMISSIONS, variables, version);
  const rows = found.last?.submissions.nodes;
  return (
    <>
      <Problem text={found.problem} />
      {rows?.length === 0 && <p className="empty">Nothing was launched yet.</p>}
      {rows && rows.length > 0 && <Table rows={rows} />}
      <Pager paging={paging} info={found.last?.submissions.pageInfo} />
    </>
  );
}

function Table({ rows }: { rows: readonly Row[] }) {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>No.</th>
            <th>State</th>
            <th>Slice</th>
            <th>Belongs to</th>
            <th className="wide">Jobs</th>
            <th className="number">done</th>
            <th className="number">failed</th>
            <th>Created</th>
            <th>Reason</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <OneRow key={row.id} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function OneRow({ row }: { row: Row }) {
  const open = () => {
    if (!getSelection()?.toString()) location.hash = toSubmission(row.id);
  };
  return (
    <tr className="opens" onClick={open}>
      <th scope="row">
        <a href={toSubmission(row.id)} aria-label={`Submission ${keyOf(row.id)}`}>
          {keyOf(row.id)}
        </a>
        {row.isTest && <span className="badge idle">test</span>}
      </th>
      <td>
        <Badge state={row.state} lost={row.account.lost.count} />
      </td>
      <td>{row.slice.parameter ?? `${row.slice.epoch}.${row.slice.number}`}</td>
      <td onClick={(event) => event.stopPropagation()}>
        <Marks row={row} />
      </td>
      <td>
        <Bar portions={jobPortions(row)} />
      </td>
      <td className="number">
        {brief(row.jobsSucceeded)}/{brief(row.jobsTotal)}
      </td>
      <td className={row.jobsFailed > 0 ? "number wrong" : "number"}>{brief(row.jobsFailed)}</td>
      <td>
        <When at={row.createdAt} />
      </td>
      <td className="reason">{row.reason}</td>
    </tr>
  );
}

function Marks({ row }: { row: Row }) {
  const { origin, upstream, recoveries, dependents } = row;
  const more = Math.max(0, recoveries.length + dependents.length - 2 * MOST_MARKS);
  return (
    <span className="marks">
      {origin && (
        <Related
          mark="↺ of"
          id={origin.id}
          title={`Recovery, round ${(row.round ?? 0) + 1}, of submission`}
        />
      )}
      {upstream && (
        <Related mark="↳ of" id={upstream.id} title="Launched by the end of submission" />
      )}
      {recoveries.slice(0, MOST_MARKS).map(({ id }) => (
        <Related key={id} mark="↺" id={id} title="Recovered by submission" />
      ))}
      {dependents.slice(0, MOST_MARKS).map(({ id }) => (
        <Related key={id} mark="↳" id={id} title="Launched submission" />
      ))}
      {more > 0 && <span className="faint">+{more}</span>}
    </span>
  );
}
