/** What happened to a submission, the newest first. */
import { Pager, Problem, usePaging, When } from "./parts";
import { useQuestion } from "./question";
import { plain } from "./words";

const PAGE = 30;

const HISTORY = `query History($id: ID!, $last: Int!, $before: String) {
  submission(id: $id) {
    history(last: $last, before: $before) {
      edges { cursor node { kind at body } }
      pageInfo { hasPreviousPage startCursor }
    }
  }
}`;

interface Told {
  readonly kind: string;
  readonly at: string;
  readonly body: Record<string, unknown>;
}

interface Found {
  readonly submission: {
    readonly history: {
      readonly edges: readonly { readonly cursor: string; readonly node: Told }[];
      readonly pageInfo: { readonly hasPreviousPage: boolean; readonly startCursor: string | null };
    };
  } | null;
}

export function History({ submission, version }: { submission: string; version: unknown }) {
  const paging = usePaging(submission);
  const variables = { id: submission, last: PAGE, before: paging.after };
  const found = useQuestion<Found>(HISTORY, variables, version);
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
            <When at={node.at} /> {node.kind} <span className="faint">{saying(node)}</span>
          </li>
        ))}
      </ul>
      <Pager paging={paging} info={info} />
    </>
  );
}

const KNOWN_ABOVE = new Set(["revision", "stage_id", "is_test", "state"]);

/** What there is to say: of jobs what changed, of a submission how it was then. */
function saying({ kind, body }: Told): string {
  const sign =
    kind === "jobs.changed" ? (value: number) => (value > 0 ? `+${value}` : `${value}`) : String;
  return Object.entries(body)
    .filter(
      ([name, value]) => !KNOWN_ABOVE.has(name) && value !== 0 && value !== "" && value !== null,
    )
    .map(([name, value]) =>
      typeof value === "number"
        ? `${sign(value)} ${plain(name)}`
        : `${plain(name)}: ${written(value)}`,
    )
    .join(", ");
}

function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
