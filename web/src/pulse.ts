/** Whether what is on the page is how things are: when POMS was heard last, and what it can't do. */
import { useSyncExternalStore } from "react";

export interface Pulse {
  /** Everything that the page watches has answered since it was asked last. */
  readonly up: boolean;
  /** When anything was heard last, by this machine's clock. */
  readonly heardAt: number | null;
  readonly reason: string;
  /** What the service says of itself that makes what it tells stale. */
  readonly faults: readonly string[];
  /** How often the connection came back: who asked something asks again. */
  readonly comebacks: number;
}

const watchers = new Set<() => void>();
const waiting = new Set<object>();
let pulse: Pulse = { up: false, heardAt: null, reason: "", faults: [], comebacks: 0 };

/** The pulse, for a component that shows it. */
export function usePulse(): Pulse {
  return useSyncExternalStore(onPulse, () => pulse);
}

/** How often the connection came back, for a component that asks again then. */
export function useComebacks(): number {
  return useSyncExternalStore(onPulse, () => pulse.comebacks);
}

/** Somebody waits for an answer: until it comes nothing is called live. */
export function awaits(who: object): void {
  waiting.add(who);
  become({ up: false });
}

/** Somebody has heard something. */
export function heard(who: object): void {
  waiting.delete(who);
  const up = waiting.size === 0;
  const back = up && !pulse.up && pulse.reason !== "";
  become({
    up,
    heardAt: Date.now(),
    reason: up ? "" : pulse.reason,
    comebacks: pulse.comebacks + (back ? 1 : 0),
  });
}

/** Somebody has lost the connection, and waits for it. */
export function lost(who: object, reason: string): void {
  waiting.add(who);
  become({ up: false, reason });
}

/** Somebody doesn't watch any more. */
export function leaves(who: object): void {
  waiting.delete(who);
  if (waiting.size === 0 && pulse.heardAt !== null) become({ up: true });
}

/** The service says what it can't do now. */
export function ails(faults: readonly string[]): void {
  if (faults.join() !== pulse.faults.join()) become({ faults });
}

function become(change: Partial<Pulse>): void {
  pulse = { ...pulse, ...change };
  for (const watcher of watchers) watcher();
}

function onPulse(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
