/** How the outside catalog that has a submission's files knows it. */

import { When } from "./parts";

interface CatalogLaunch {
  readonly name: string;
  readonly project: string | null;
  readonly trouble: string;
  readonly waiting: number;
  readonly delivered: number;
  readonly consumed: number;
  readonly failed: number;
  readonly readAt: string | null;
}

export function InCatalog({ of }: { of: CatalogLaunch | null }) {
  if (of === null) return null;
  return (
    <>
      <p className="faint">
        In its catalog {of.name}
        {of.project !== null && `, project ${of.project}`}
        {of.readAt !== null && (
          <>
            : {of.waiting} files waiting, {of.delivered} handed out, {of.consumed} consumed,{" "}
            {of.failed} failed (<When at={of.readAt} />)
          </>
        )}
      </p>
      {of.trouble && <p className="problem">Its catalog: {of.trouble}</p>}
    </>
  );
}
