/** The line that says whether the page is live. */
import { useEffect, useState } from "react";
import { graphql } from "./graphql";
import { follow } from "./live";
import { ails, usePulse } from "./pulse";
import { useTicks } from "./question";

// Heartbeats come every 5 seconds, and with them some news.
const HEARTBEATS = graphql(`subscription Heartbeats($after: String) {
  changes(
    filter: {
      kinds: [
        CAMPAIGN_SAVED CAMPAIGN_DELETED CAMPAIGN_HANDED_OVER SUMMARY_TOLD
        BATCH_SYSTEM_REACHABLE BATCH_SYSTEM_UNREACHABLE BATCH_SYSTEM_CIRCUIT_OPENED BATCH_SYSTEM_CIRCUIT_CLOSED
        BATCH_SYSTEM_PAUSED BATCH_SYSTEM_RESUMED
        CREDENTIAL_SAVED CREDENTIAL_REMOVED CREDENTIAL_EXPIRING CREDENTIAL_RENEWED CREDENTIAL_HANDED_OVER
        LAUNCHES_HELD LAUNCHES_RELEASED LAUNCHES_LIMITED LAUNCHES_PREFERRED
      ]
    }
    after: $after
  ) {
    __typename
    ... on Change { cursor kind campaignId }
    ... on Heartbeat { cursor }
  }
}`);
const OF_HOUSE = /^(BATCH_SYSTEM|CREDENTIAL|LAUNCHES)_/;
const STALE_AFTER = 11_000;
const HEALTH_EVERY = 5_000;
const HEALTH_WITHIN = 4_000;
const SECOND = 1_000;

const saved = new Set<(campaignId: string | null) => void>();
const house = new Set<() => void>();

/** Run `watcher` whenever a campaign was saved (null: any may have been); call the result to stop. */
export function onSaved(watcher: (campaignId: string | null) => void): () => void {
  saved.add(watcher);
  return () => saved.delete(watcher);
}

/** A number that grows whenever something happens to a batch system or a credential, or launches are held. */
export function useHouseNews(): number {
  const [news, setNews] = useState(0);
  useEffect(() => {
    const heard = () => setNews((old) => old + 1);
    house.add(heard);
    return () => void house.delete(heard);
  }, []);
  return news;
}

/** Live, or since when not, and why. */
export function Heartbeat() {
  useEffect(beat, []);
  useHealth();
  useTicks(SECOND);
  const { up, heardAt, reason, faults } = usePulse();
  if (heardAt === null) return <Line kind="down" text="connecting…" title={reason} />;
  const silent = Date.now() - heardAt;
  if (!up || silent > STALE_AFTER)
    return (
      <Line kind="down" text={`last heard ${seconds(silent)} ago — reconnecting`} title={reason} />
    );
  if (faults.length > 0)
    return <Line kind="ill" text={`connected, but ${faults.join("; ")}`} title="" />;
  return <Line kind="live" text="live" title="POMS was heard within the last seconds." />;
}

function Line({
  kind,
  text,
  title,
}: {
  kind: "live" | "ill" | "down";
  text: string;
  title: string;
}) {
  return (
    <p className={`pulse ${kind}`} title={title}>
      <span aria-hidden="true" className="dot" />
      <span role={kind === "live" ? undefined : "status"}>{text}</span>
    </p>
  );
}

function beat(): () => void {
  let after: string | null = null;
  let missed = false;
  return follow(
    () => ({ query: HEARTBEATS, variables: { after } }),
    {
      next: ({ changes }) => {
        after = "cursor" in changes ? changes.cursor : null;
        // Without a cursor, ours is too old or of another database: what was missed is read anew once we hear again.
        if (after === null) missed = true;
        else if (missed) {
          missed = false;
          for (const watcher of saved) watcher(null);
          for (const watcher of house) watcher();
        }
        if (!("kind" in changes)) return;
        if (changes.campaignId) for (const watcher of saved) watcher(changes.campaignId);
        if (OF_HOUSE.test(changes.kind ?? "")) for (const watcher of house) watcher();
      },
      problem: () => {
        after = null;
      },
    },
    { endless: true },
  );
}

// A process that can't read the database still beats: only /readyz says that its news are old.
function useHealth(): void {
  useEffect(() => {
    const look = () => void faultsNow().then((faults) => faults && ails(faults));
    look();
    const timer = setInterval(look, HEALTH_EVERY);
    return () => clearInterval(timer);
  }, []);
}

async function faultsNow(): Promise<readonly string[] | null> {
  try {
    const response = await fetch("/readyz", { signal: AbortSignal.timeout(HEALTH_WITHIN) });
    const said: unknown = await response.json();
    return faultsIn(said);
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError")
      return ["POMS does not say how it is: what is shown may be old"];
    return null; // nobody answers: the subscriptions notice, too
  }
}

function faultsIn(said: unknown): readonly string[] {
  if (typeof said !== "object" || said === null) return [];
  const faults: string[] = [];
  if ("database" in said && said.database !== "here")
    faults.push(`the database is ${said.database}`);
  if ("faults" in said && Array.isArray(said.faults)) faults.push(...said.faults.map(String));
  if ("late_watchers" in said && typeof said.late_watchers === "object" && said.late_watchers)
    for (const [name, age] of Object.entries(said.late_watchers))
      faults.push(`what ${name} tells of jobs was read ${Math.round(Number(age))} s ago`);
  if ("doubt" in said && typeof said.doubt === "string")
    faults.push(`nothing is launched: ${said.doubt}`);
  if ("wrong_clocks" in said && typeof said.wrong_clocks === "object" && said.wrong_clocks)
    for (const [process, ahead] of Object.entries(said.wrong_clocks))
      faults.push(`the clock of ${process} is ${Math.round(Number(ahead))} s ahead`);
  return faults;
}

function seconds(milliseconds: number): string {
  const s = Math.max(0, Math.round(milliseconds / 1000));
  return s < 120 ? `${s} s` : `${Math.floor(s / 60)} min`;
}
