/** How the outside catalog that has a submission's files knows it. */

import { When } from "./parts";

interface CatalogLaunch {
  readonly name: string;
  readonly project: string | null;
  readonly staging: string | null;
  readonly trouble: string;
  readonly waiting: number;
  readonly delivered: number;
  readonly consumed: number;
  readonly failed: number;
  readonly readAt: string | null;
}

function describe({ staging, waiting, delivered, consumed, failed }: CatalogLaunch): string {
  return staging === null
    ? `${waiting} files waiting, ${delivered} handed out, ${consumed} consumed, ${failed} failed`
    : `${delivered} files on disk, ${waiting} coming, ${failed} stuck`;
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
            : {describe(of)} (<When at={of.readAt} />)
          </>
        )}
      </p>
      {of.trouble && <p className="problem">Its catalog: {of.trouble}</p>}
    </>
  );
}
