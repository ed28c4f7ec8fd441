/** Small things that every page of the dashboard shows. */
import { useState, type ReactNode } from "react";
import { toSubmission } from "./route";
import { count, keyOf, moment, plain, toneOf, type State, type Tone } from "./words";

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

/** A submission's state; what is lost of it, so that it does not look like success. */
export function Badge({
  state,
  lost = 0,
  children,
}: {
  state: State;
  lost?: number;
  children?: ReactNode;
}) {
  const tone = toneOf(state);
  return (
    <span className={`badge ${lost > 0 && tone === "ok" ? "held" : tone}`}>
      {children}
      {plain(state)}
      {lost > 0 && `, ${count(lost)} lost`}
    </span>
  );
}

/** A moment, with the exact time behind it. */
export function When({ at }: { at: string | null }) {
  if (at === null) return <>–</>;
  return (
    <time dateTime={at} title={at}>
      {moment(at)}
    </time>
  );
}

export interface Portion {
  readonly name: string;
  readonly tone: Tone;
  readonly count: number;
}

/** Portions of a whole beside each other; the words say the same. */
export function Bar({ portions }: { portions: readonly Portion[] }) {
  const shown = portions.filter((portion) => portion.count > 0);
  const said = shown.map((portion) => `${count(portion.count)} ${portion.name}`).join(", ");
  return (
    <span className="bar" role="img" aria-label={said || "nothing yet"} title={said}>
      {shown.map((portion) => (
        <span key={portion.name} className={portion.tone} style={{ flexGrow: portion.count }} />
      ))}
    </span>
  );
}

/** What went wrong, if something did. */
export function Problem({ text }: { text: string }) {
  return text ? (
    <p className="problem" role="alert">
      {text}
    </p>
  ) : null;
}

/** A link to a submission, with what it is of this one. */
export function Related({ mark, title, id }: { mark: string; title: string; id: string }) {
  return (
    <a href={toSubmission(id)} className="mark" title={title} aria-label={`${title}: ${keyOf(id)}`}>
      {mark} {keyOf(id)}
    </a>
  );
}

/** A figure with its name. */
export function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export interface Paging {
  readonly after: string | null;
  readonly number: number;
  next(cursor: string): void;
  back(): void;
}

/** Pages one after the other, and the way back; a `subject` of its own begins with the first. */
export function usePaging(subject = ""): Paging {
  const [kept, setKept] = useState({ subject, cursors: [] as readonly string[] });
  const cursors = kept.subject === subject ? kept.cursors : [];
  return {
    after: cursors.at(-1) ?? null,
    number: cursors.length + 1,
    next: (cursor) => setKept({ subject, cursors: [...cursors, cursor] }),
    back: () => setKept({ subject, cursors: cursors.slice(0, -1) }),
  };
}

/** The buttons below a list; nothing where one page is all. */
export function Pager({ paging, info }: { paging: Paging; info: PageInfo | undefined }) {
  const end = info?.hasNextPage ? info.endCursor : null;
  if (paging.number === 1 && !end) return null;
  return (
    <nav className="pager" aria-label="Pages of the list">
      <button type="button" disabled={paging.number === 1} onClick={paging.back}>
        ← Back
      </button>
      <span>page {paging.number}</span>
      <button type="button" disabled={!end} onClick={() => end && paging.next(end)}>
        More →
      </button>
    </nav>
  );
}
