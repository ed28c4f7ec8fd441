/** How numbers, times and states are written. */
import type { Fields } from "./graphql";

export type State = Fields<"Submission", "state">["state"];

/** Which colour stands for it. */
export type Tone = "ok" | "run" | "idle" | "held" | "bad" | "gone";

const TONES: Record<State, Tone> = {
  QUEUED: "idle",
  NEW: "idle",
  SUBMITTING: "idle",
  UNCERTAIN: "held",
  IDLE: "idle",
  RUNNING: "run",
  HELD: "held",
  COMPLETED: "held",
  LOCATED: "ok",
  LAUNCH_FAILED: "bad",
  FAILED: "bad",
  CANCELLED: "gone",
  REMOVED: "gone",
};

const numbers = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const dated = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** The colour of a submission's state. */
export function toneOf(state: State): Tone {
  return TONES[state] ?? "held";
}

/** `LAUNCH_FAILED` as people read it. */
export function plain(word: string): string {
  return word.toLowerCase().replaceAll("_", " ");
}

/** A whole number in full. */
export function count(value: number): string {
  return numbers.format(value);
}

/** A number where there is little room. */
export function brief(value: number): string {
  return value < 10_000 ? numbers.format(value) : compact.format(value);
}

/** So many of something: `1 job`, `2 jobs`. */
export function several(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? "" : "s"}`;
}

/** A share in percent; a dash where there is none. */
export function percent(share: number | null): string {
  return share === null ? "–" : `${Math.round(share * 100)} %`;
}

/** A number in percent: 100 % only where it is all, 0 % only where it is nothing; a dash where there is none. */
export function exactPercent(value: number | null): string {
  if (value === null) return "–";
  const shown = value > 0 && value < 100 ? Math.min(Math.max(value, 0.1), 99.9).toFixed(1) : `${value}`;
  return `${shown} %`;
}

/** Seconds as people say them. */
export function duration(s: number | null): string {
  if (s === null) return "–";
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 200 * 3600) return `${(s / 3600).toFixed(1)} h`;
  return `${count(Math.round(s / 86400))} d`;
}

/** A moment: the time alone if it was today. */
export function moment(iso: string): string {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  return (today ? clock : dated).format(at);
}

/** The number in an id, for people: `submission:42` is #42, `job:4.17` is 17. */
export function keyOf(id: string): string {
  return id.slice(id.indexOf(":") + 1);
}

/** Words as a shell would take them. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word))).join(" ");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
