/** What waits to be launched in a campaign, in the order of its turns, and why. */
import { graphql, type Answered } from "./graphql";
import { useHouseNews } from "./heartbeat";
import { Pager, Problem, usePaging, When } from "./parts";
import { useQuestion, useTicks } from "./question";
import { toCampaign, toSubmission } from "./route";
import { count, keyOf } from "./words";

const LOOK_EVERY = 5_000;
const PAGE = 10;

const QUEUE = graphql(`query Queue($id: ID!, $first: Int!, $after: String) {
  launchQueue(filter: {campaignId: $id}, first: $first, after: $after) {
    nodes { id isTest priority stage { id name } waiting { position reason reasons since } }
    pageInfo { hasNextPage endCursor }
  }
}`);

type Row = Answered<typeof QUEUE>["launchQueue"]["nodes"][number];

export function Queue({ campaign }: { campaign: string }) {
  const paging = usePaging(campaign);
  const variables = { id: campaign, first: PAGE, after: paging.after };
  const found = useQuestion(QUEUE, variables, useLaunchNews());
  const queue = found.last?.launchQueue;
  return (
    <section aria-label="Launches that wait">
      <Problem text={found.problem} />
      {queue && queue.nodes.length > 0 && <Table campaign={campaign} rows={queue.nodes} />}
      <Pager paging={paging} info={queue?.pageInfo} />
    </section>
  );
}

function Table({ campaign, rows }: { campaign: string; rows: readonly Row[] }) {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Waits</th>
            <th>Stage</th>
            <th className="number">Place</th>
            <th className="number extra">Priority</th>
            <th className="extra">Since</th>
            <th className="most">For what</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td>
                <a href={toSubmission(row.id)}>{keyOf(row.id)}</a>
                {row.isTest && " test"}
              </td>
              <td>
                <a href={toCampaign(campaign, row.stage.id)}>{row.stage.name}</a>
              </td>
              <td className="number">{row.waiting ? count(row.waiting.position) : "–"}</td>
              <td className="number extra">{row.priority}</td>
              <td className="extra">
                <When at={row.waiting?.since ?? null} />
              </td>
              <td className="reason" title={row.waiting?.reasons.join("\n")}>
                {row.waiting?.reason ?? "it begins"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Changes whenever launches were held, released or limited, and every few seconds. */
export function useLaunchNews(): string {
  return `${useTicks(LOOK_EVERY)} ${useHouseNews()}`;
}
