/** The page of one campaign. */
import { useEffect, useMemo, useState } from "react";
import { Download, Findings, FINDINGS } from "./files";
import { graphql, type Answered } from "./graphql";
import { onSaved, useHouseNews } from "./heartbeat";
import { Holds, HOLDS } from "./holds";
import type { Edge } from "./layout";
import { LINKS, Links } from "./links";
import { useLive } from "./live";
import { Problem } from "./parts";
import { Picture } from "./picture";
import { PROGRESS, type CampaignProgress } from "./progress";
import { useQuestion } from "./question";
import { Queue } from "./queue";
import type { View } from "./route";
import { StagePanel } from "./stage-panel";
import { carry, messageOf } from "./wire";
import { count, percent } from "./words";
import { SUMMARIES, Summaries } from "./summaries";

const CAMPAIGN = graphql(`query Campaign($id: ID!) {
  campaign(id: $id) {
    id name description active draft revision tags availableActions experiment { name }
    findings { ${FINDINGS} } ${HOLDS} ${LINKS} ${SUMMARIES}
    stages { id name kind }
    dependencies { patterns active upstream { id } downstream { id } }
  }
}`);

const ACTIVATE = graphql(`mutation Activate($id: ID!, $active: Boolean!) {
  result: setCampaignActive(id: $id, active: $active) { __typename ... on Problem { message } }
}`);

type Campaign = NonNullable<Answered<typeof CAMPAIGN>["campaign"]>;

interface Props {
  readonly id: string;
  readonly stage: string | null;
  readonly view: View;
}

export function CampaignPage({ id, stage, view }: Props) {
  const found = useQuestion(CAMPAIGN, { id }, `${useSaves(id)} ${useHouseNews()}`);
  const live = useLive(PROGRESS, { id });
  const campaign = found.data?.campaign;
  if (found.data && !campaign) return <p className="empty">There is no such campaign for you.</p>;
  const told = live.data?.campaignProgress;
  const progress = told && "stages" in told ? told : undefined;
  return (
    <section className="page">
      <Problem text={found.problem || live.problem || messageOf(told)} />
      {campaign && <Shown campaign={campaign} progress={progress} stage={stage} view={view} />}
    </section>
  );
}

interface ShownProps {
  readonly campaign: Campaign;
  readonly progress: CampaignProgress | undefined;
  readonly stage: string | null;
  readonly view: View;
}

function Shown({ campaign, progress, stage, view }: ShownProps) {
  const edges = useMemo(() => edgesOf(campaign), [campaign]);
  const counters = useMemo(
    () => new Map((progress?.stages ?? []).map((each) => [each.stageId, each])),
    [progress],
  );
  const selected = campaign.stages.find((each) => each.id === stage);
  return (
    <>
      <header className="heading">
        <h2>{campaign.name}</h2>
        <p className="faint">
          {campaign.experiment.name} · revision {campaign.revision}
          {campaign.active
            ? ""
            : ` · ${campaign.draft ? "draft" : "inactive"}: it launches nothing`}
          {campaign.tags.length > 0 && ` · ${campaign.tags.join(", ")}`}
        </p>
        <Links of={campaign.links} />
        <Summaries of={campaign.summaries} />
        {campaign.description && <p className="faint">{campaign.description}</p>}
        <Totals progress={progress} />
      </header>
      <CampaignActions campaign={campaign} />
      <Findings findings={campaign.findings} />
      <Queue campaign={campaign.id} />
      {campaign.stages.length > 0 && (
        <Picture
          campaign={campaign.id}
          stages={campaign.stages}
          edges={edges}
          progress={counters}
          selected={selected?.id ?? null}
        />
      )}
      {selected ? (
        <StagePanel
          key={selected.id}
          campaign={campaign.id}
          id={selected.id}
          view={view}
          progress={counters.get(selected.id)}
        />
      ) : (
        <p className="faint">
          {campaign.stages.length > 0
            ? "Choose a stage to see its submissions and what failed. Recoveries count again: what failed once may be done by now."
            : "It has no stages yet."}
        </p>
      )}
    </>
  );
}

function CampaignActions({ campaign }: { campaign: Campaign }) {
  const [problem, setProblem] = useState("");
  async function setActive(active: boolean) {
    setProblem(await carry(ACTIVATE, { id: campaign.id, active }));
  }
  return (
    <div className="actions">
      <Download id={campaign.id} name={campaign.name} />
      {campaign.availableActions.includes("ACTIVATE") && (
        <button type="button" onClick={() => void setActive(true)}>
          Activate
        </button>
      )}
      {campaign.availableActions.includes("DEACTIVATE") && (
        <button type="button" onClick={() => void setActive(false)}>
          Deactivate
        </button>
      )}
      <Holds
        id={campaign.id}
        what="campaign"
        may={campaign.availableActions.includes("HOLD_LAUNCHES")}
        holds={campaign.launchHolds}
      />
      <Problem text={problem} />
    </div>
  );
}

function Totals({ progress }: { progress: Partial<CampaignProgress> | undefined }) {
  const stages = progress?.stages ?? [];
  const wall = stages.reduce((sum, stage) => sum + stage.wallS, 0);
  const wasted = stages.reduce((sum, stage) => sum + stage.wallWastedS, 0);
  const cpu = stages.reduce((sum, stage) => sum + stage.cpuS, 0);
  const jobs = stages.reduce((sum, stage) => sum + stage.jobsTotal, 0);
  if (jobs === 0) return null;
  return (
    <p className="totals">
      {count(jobs)} jobs · CPU {percent(wall > 0 ? cpu / wall : null)} of wall time ·{" "}
      {percent(wall > 0 ? wasted / wall : null)} of it in jobs that failed
    </p>
  );
}

/** How often the campaign was saved while we looked. */
function useSaves(id: string): number {
  const [saves, setSaves] = useState(0);
  useEffect(() => onSaved((campaign) => (campaign ?? id) === id && setSaves((old) => old + 1)), [id]);
  return saves;
}

function edgesOf(campaign: Campaign): Edge[] {
  return campaign.dependencies
    .filter((each) => each.active)
    .map((each) => ({ from: each.upstream.id, to: each.downstream.id, patterns: each.patterns }));
}
