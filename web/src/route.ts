/** Where in the dashboard somebody is: `#/campaign:1/stage:2/failures` or `#/submission:7`. */
import { useSyncExternalStore } from "react";

export type View = "submissions" | "failures" | "join" | "setup";

export type Route =
  | { readonly page: "campaigns" }
  | {
      readonly page: "campaign";
      readonly id: string;
      readonly stage: string | null;
      readonly view: View;
    }
  | { readonly page: "submission"; readonly id: string }
  | { readonly page: "request"; readonly id: string };

const VIEWS: readonly View[] = ["submissions", "failures", "join", "setup"];

/** The address of a campaign, of one of its stages, or of a view of that. */
export function toCampaign(id: string, stage?: string, view?: View): string {
  return `#/${[id, stage, view === "submissions" ? undefined : view].filter(Boolean).join("/")}`;
}

/** The address of a request. */
export function toRequest(id: string): string {
  return `#/${id}`;
}

/** The address of a submission. */
export function toSubmission(id: string): string {
  return `#/${id}`;
}

/** What an address means; one that means nothing is the list of campaigns. */
export function routeIn(hash: string): Route {
  const [id = "", stage = null, view] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (id.startsWith("submission:")) return { page: "submission", id };
  if (id.startsWith("request:")) return { page: "request", id };
  if (!id.startsWith("campaign:")) return { page: "campaigns" };
  return {
    page: "campaign",
    id,
    stage,
    view: VIEWS.find((each) => each === view) ?? "submissions",
  };
}

/** Where we are, for a component that shows it. */
export function useRoute(): Route {
  return routeIn(useSyncExternalStore(onHash, () => location.hash));
}

function onHash(watcher: () => void): () => void {
  addEventListener("hashchange", watcher);
  return () => removeEventListener("hashchange", watcher);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
