/** What happened to a submission, the newest first. */
import { graphql, type Answered } from "./graphql";
import { Pager, Problem, usePaging, When } from "./parts";
import { useQuestion } from "./question";
import { plain } from "./words";

const PAGE = 30;

const HISTORY = graphql(`query History($id: ID!, $last: Int!, $before: String) {
  submission(id: $id) {
    history(last: $last, before: $before) {
      edges {
        cursor
        node {
          __typename kind at reason part actor { username }
          ... on SubmissionChange {
            jobsTotal jobsIdle jobsRunning jobsHeld jobsSucceeded jobsFailed jobsRemoved
            filesDone filesFailed outputsDeclared outputsLocated
          }
          ... on InputsChange { waivedCount }
          ... on JobsChange { idle running held unknown succeeded failed removed }
          ... on ActionChange { verb resultMessage }
          ... on DiscrepancyChange { discrepancyKind details }
          ... on OtherChange { name }
        }
      }
      pageInfo { hasPreviousPage startCursor }
    }
  }
}`);

type Told = NonNullable<Answered<typeof HISTORY>["submission"]>["history"]["edges"][number]["node"];

export function History({ submission, version }: { submission: string; version: unknown }) {
  const paging = usePaging(submission);
  const variables = { id: submission, last: PAGE, before: paging.after };
  const found = useQuestion(HISTORY, variables, version);
  const history = found.last?.submission?.history;
  const info = history && {
    hasNextPage: history.pageInfo.hasPreviousPage,
    endCursor: history.pageInfo.startCursor,
  };
  return (
    <>
      <Problem text={found.problem} />
      <ul className="asked">
        {[...(history?.edges ?? [])].reverse().map(({ cursor, node }) => (
          <li key={cursor}>
            <When at={node.at} /> {plain(node.kind ?? nameOf(node))}{" "}
            <span className="faint">{saying(node)}</span>
          </li>
        ))}
      </ul>
      <Pager paging={paging} info={info} />
    </>
  );
}

/** What a kind is called that this page doesn't know. */
function nameOf(change: Told): string {
  return "name" in change ? change.name : change.__typename;
}

/** Who did it and why, and what there is to say: of jobs what changed, of a submission how it was then. */
function saying({ __typename, kind, at, reason, part, actor, ...more }: Told): string {
  const { name, ...said } = { name: "", ...more };
  const by = actor ? `by ${actor.username}` : part ? `by POMS (${plain(part)})` : "";
  const sign = __typename === "JobsChange" ? signed : String;
  const rest = Object.entries(said)
    .filter(([, value]) => value !== 0 && value !== "" && value !== null)
    .map(([field, value]) =>
      typeof value === "number"
        ? `${sign(value)} ${words(field)}`
        : `${words(field)}: ${written(String(value))}`,
    );
  return [by, reason, ...rest].filter(Boolean).join(", ");
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : `${value}`;
}

/** Words of an enum as people read them, and all else as it is. */
function written(value: string): string {
  return /^[A-Z_]+$/.test(value) ? plain(value) : value;
}

/** `jobsRunning` → `jobs running`. */
function words(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
