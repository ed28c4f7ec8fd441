/** Failed and held jobs by what they have in common. */
import { Fragment, useState } from "react";
import { graphql, type Answered } from "./graphql";
import { Problem } from "./parts";
import { useCalmed, useQuestion } from "./question";
import { toSubmission } from "./route";
import { count, keyOf, percent } from "./words";

const GROUPS = `{
  jobs truncated
  groups { count share files reason exitCode signal site batchSystemMessage log sampleLog sampleJobId jobIds }
}` as const;

const QUERIES = {
  stage: graphql(`query StageTriage($id: ID!) { triage: stageTriage(id: $id) ${GROUPS} }`),
  submission: graphql(`query SubmissionTriage($id: ID!) { triage: submissionTriage(id: $id) ${GROUPS} }`),
} as const;

type Group = NonNullable<Answered<typeof QUERIES.stage>["triage"]>["groups"][number];

// Grouping is work for POMS: not more often than people read.
const CALM = 6_000;

interface Props {
  readonly of: keyof typeof QUERIES;
  readonly id: string;
  readonly version: unknown;
}

export function Triage({ of, id, version }: Props) {
  const found = useQuestion(QUERIES[of], { id }, useCalmed(version, CALM));
  const triage = found.data?.triage;
  return (
    <>
      <Problem text={found.problem} />
      {!found.data && found.asking && <p className="faint">Grouping what failed…</p>}
      {triage?.jobs === 0 && <p className="empty">No job failed, and none is held.</p>}
      {triage && triage.jobs > 0 && (
        <>
          <p className="faint">
            {count(triage.jobs)} failed and held jobs{of === "stage" ? ", recovered ones too" : ""}
            {triage.truncated ? " of the newest submissions; there are more" : ""}, in{" "}
            {count(triage.groups.length)} groups.
          </p>
          <Groups groups={triage.groups} />
        </>
      )}
    </>
  );
}

function Groups({ groups }: { groups: readonly Group[] }) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th className="number">Jobs</th>
            <th>Share</th>
            <th>Reason</th>
            <th className="number">Files not done</th>
            <th>Site</th>
            <th>What they say</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => {
            const shown = open === group.sampleJobId;
            return (
              <Fragment key={group.sampleJobId}>
                <OneGroup
                  group={group}
                  open={shown}
                  toggle={() => setOpen(shown ? null : group.sampleJobId)}
                />
                {shown && <Sample group={group} />}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function OneGroup({ group, open, toggle }: { group: Group; open: boolean; toggle: () => void }) {
  return (
    <tr className="opens" onClick={toggle}>
      <td className="number">{count(group.count)}</td>
      <td>
        <span className="bar share" title={percent(group.share)}>
          <span className="bad" style={{ width: `${group.share * 100}%` }} />
        </span>{" "}
        {percent(group.share)}
      </td>
      <td>
        <button type="button" className="plain" aria-expanded={open} onClick={toggled(toggle)}>
          {whyOf(group)}
        </button>
      </td>
      <td className="number">{count(group.files)}</td>
      <td>{group.site ?? "–"}</td>
      <td className="log">{[group.batchSystemMessage, group.log].filter(Boolean).join("\n")}</td>
    </tr>
  );
}

function Sample({ group }: { group: Group }) {
  return (
    <tr>
      <td colSpan={6} className="opened">
        <p className="faint">
          The end of the log of job {keyOf(group.sampleJobId)}. Of these jobs:{" "}
          {group.jobIds.map((id) => (
            <a key={id} href={submissionOf(id)} className="mark">
              {keyOf(id)}
            </a>
          ))}
        </p>
        <pre>{group.sampleLog || "Its log is empty."}</pre>
      </td>
    </tr>
  );
}

/** Why a job failed, in few words. */
export function whyOf(of: Pick<Group, "reason" | "exitCode" | "signal">): string {
  const code = of.exitCode === null ? "" : `exit ${of.exitCode}`;
  const signal = of.signal === null ? "" : `signal ${of.signal}`;
  const told = (of.reason === "exit" && code) || (of.reason === "signal" && signal);
  const reason = told ? "" : (of.reason ?? "unknown").replaceAll("_", " ");
  return [reason, code, signal].filter(Boolean).join(" · ");
}

/** A button in a row that opens, too: one click is enough. */
export function toggled(toggle: () => void) {
  return (event: { stopPropagation(): void }) => {
    event.stopPropagation();
    toggle();
  };
}

function submissionOf(jobId: string): string {
  return toSubmission(`submission:${keyOf(jobId).split(".")[0]}`);
}
