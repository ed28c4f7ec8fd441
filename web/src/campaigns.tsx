/** The list of campaigns. */
import { useState } from "react";
import { Upload } from "./files";
import { graphql, type Answered, type Document, type Fields } from "./graphql";
import { Badge, Bar, Pager, Problem, usePaging, When } from "./parts";
import { ACCOUNT, accountPortions } from "./progress";
import { useCalmed, useQuestion, useTicks } from "./question";
import { toCampaign } from "./route";
import { count, type State } from "./words";

const PAGE = 15; // each has its sums under a name of its own, and POMS allows 30 such names
const LOOK_EVERY = 5_000;
const TYPING = 250;

const CAMPAIGNS = graphql(`query Campaigns($first: Int!, $after: String, $filter: CampaignFilter) {
  campaigns(first: $first, after: $after, filter: $filter, orderBy: RECENTLY_SAVED) {
    nodes { id name description active draft tags updatedAt experiment { name } stages { id } }
    pageInfo { hasNextPage endCursor }
  }
}`);

const SUMS = `stages { submissions { state count } } ${ACCOUNT}` as const;

type Campaign = Answered<typeof CAMPAIGNS>["campaigns"]["nodes"][number];
type Sums = Fields<"CampaignProgress", typeof SUMS>;
type StageSums = Sums["stages"][number];

export function CampaignList() {
  const [typed, setTyped] = useState("");
  const name = useCalmed(typed.trim(), TYPING);
  const paging = usePaging(name);
  const ticks = useTicks(LOOK_EVERY);
  const filter = name ? { nameContains: name } : null;
  const found = useQuestion(
    CAMPAIGNS,
    { first: PAGE, after: paging.after, filter },
    ticks,
  );
  const nodes = found.last?.campaigns.nodes ?? [];
  return (
    <section className="page">
      <header className="heading">
        <h2>Campaigns</h2>
        <input
          type="search"
          aria-label="Only those with this in their names"
          placeholder="part of the name"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      </header>
      <Problem text={found.problem} />
      {found.last && nodes.length === 0 && (
        <p className="empty">{name ? "None has that in its name." : "No campaigns yet"}</p>
      )}
      {nodes.length > 0 && <Table campaigns={nodes} ticks={ticks} />}
      <Pager paging={paging} info={found.last?.campaigns.pageInfo} />
      <Upload />
    </section>
  );
}

function Table({ campaigns, ticks }: { campaigns: readonly Campaign[]; ticks: number }) {
  const ids = campaigns.map((campaign) => campaign.id);
  const variables = Object.fromEntries(ids.map((id, index) => [`c${index}`, id]));
  const sums = useQuestion(sumsOf(ids.length), variables, ticks);
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Campaign</th>
            <th className="extra">Experiment</th>
            <th className="number extra">Stages</th>
            <th>Submissions</th>
            <th className="wide">Inputs</th>
            <th>Saved</th>
          </tr>
        </thead>
        <tbody>
          {campaigns.map((campaign, index) => (
            <Row key={campaign.id} campaign={campaign} sums={sums.data?.[`p${index}`]} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ campaign, sums }: { campaign: Campaign; sums: Sums | null | undefined }) {
  return (
    <tr>
      <th scope="row">
        <a href={toCampaign(campaign.id)} title={campaign.description}>
          {campaign.name}
        </a>{" "}
        {!campaign.active && (
          <span className="badge gone">{campaign.draft ? "draft" : "inactive"}</span>
        )}
        {campaign.tags.map((tag) => (
          <span key={tag} className="badge idle">
            {tag}
          </span>
        ))}
      </th>
      <td className="extra">{campaign.experiment.name}</td>
      <td className="number extra">{campaign.stages.length}</td>
      <td>{sums && <States stages={sums.stages} />}</td>
      <td>
        {sums && <Bar portions={accountPortions(sums.account)} />}
        {sums && sums.account.lost.count > 0 && (
          <span className="wrong">{count(sums.account.lost.count)} lost</span>
        )}
      </td>
      <td>
        <When at={campaign.updatedAt} />
      </td>
    </tr>
  );
}

function States({ stages }: { stages: readonly StageSums[] }) {
  const counts = new Map<State, number>();
  for (const { state, count } of stages.flatMap((stage) => stage.submissions))
    counts.set(state, (counts.get(state) ?? 0) + count);
  if (counts.size === 0) return <>none yet</>;
  return [...counts].map(([state, count]) => (
    <Badge key={state} state={state}>
      {count}{" "}
    </Badge>
  ));
}

/** The sums of so many campaigns, $c0 as p0 and so on: made at run time, so that nothing infers its types. */
export function sumsOf(
  campaigns: number,
): Document<Record<string, Sums | null>, Record<string, string>> {
  const indices = Array.from({ length: campaigns }, (_, index) => index);
  const given = indices.map((index) => `$c${index}: ID!`).join(", ");
  const asked = indices.map(
    (index) => `p${index}: campaignProgress(id: $c${index}) { ...Sums }`,
  );
  return `query Sums(${given}) { ${asked.join(" ")} }
    fragment Sums on CampaignProgress { ${SUMS} }`;
}
