/** Numbers that monitors and accounting know of a thing, each with its age. */

import { When } from "./parts";

export const SUMMARIES = "summaries { title unit value askedAt trouble }" as const;

interface Summary {
  readonly title: string;
  readonly unit: string;
  readonly value: number | null;
  readonly askedAt: string | null;
  readonly trouble: string;
}

const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

export function Summaries({ of }: { of: readonly Summary[] }) {
  return of.length > 0 ? (
    <p className="faint">
      {of.map((each, n) => (
        <span key={each.title} title={each.trouble || undefined}>
          {n > 0 && " · "}
          {each.title}: {each.value === null ? "unknown" : NUMBER.format(each.value)}
          {each.value !== null && each.unit && ` ${each.unit}`}
          {each.askedAt === null ? " (not told yet)" : <> (<When at={each.askedAt} />)</>}
          {each.trouble && " ⚠"}
        </span>
      ))}
    </p>
  ) : null;
}
