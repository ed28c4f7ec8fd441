/** The jobs of a submission. */
import { Fragment, useState } from "react";
import { graphql, type Answered } from "./graphql";
import { LINKS, Links } from "./links";
import { Pager, Problem, usePaging, When } from "./parts";
import { useQuestion } from "./question";
import { toggled, whyOf } from "./triage";
import { duration, plain, type Tone } from "./words";

const PAGE = 25;

const JOBS = graphql(`query Jobs($id: ID!, $states: [JobState!], $first: Int!, $after: String) {
  submission(id: $id) {
    jobs(states: $states, first: $first, after: $after) {
      nodes { id number state attempt reason exitCode signal code subcode text site slot cpuS wallS memoryMb }
      pageInfo { hasNextPage endCursor }
    }
  }
}`);

const JOB = graphql(`query Job($id: ID!) {
  job(id: $id) {
    nativeId logTail ${LINKS}
    attempts { attempt state exitCode signal text site slot wallS memoryMb startedAt endedAt }
  }
}`);

type Job = NonNullable<Answered<typeof JOBS>["submission"]>["jobs"]["nodes"][number];
type JobState = Job["state"];

const FILTERS: Record<string, JobState[] | null> = {
  "failed and held": ["FAILED", "HELD", "REMOVED", "UNKNOWN"],
  running: ["RUNNING"],
  succeeded: ["SUCCEEDED"],
  idle: ["IDLE"],
  all: null,
};

const TONES: Record<JobState, Tone> = {
  IDLE: "idle",
  RUNNING: "run",
  HELD: "held",
  SUCCEEDED: "ok",
  FAILED: "bad",
  REMOVED: "gone",
  UNKNOWN: "held",
};

interface Props {
  readonly submission: string;
  readonly version: unknown;
  readonly anyFailed: boolean;
}

export function Jobs({ submission, version, anyFailed }: Props) {
  const [chosen, setChosen] = useState<string | null>(null);
  const filter = chosen ?? (anyFailed ? "failed and held" : "all");
  const paging = usePaging(filter);
  const variables = {
    id: submission,
    states: FILTERS[filter] ?? null,
    first: PAGE,
    after: paging.after,
  };
  const found = useQuestion(JOBS, variables, version);
  const jobs = found.last?.submission?.jobs;
  return (
    <>
      <div className="tabs" role="group" aria-label="Which jobs">
        {Object.keys(FILTERS).map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === filter}
            onClick={() => setChosen(name)}
          >
            {name}
          </button>
        ))}
      </div>
      <Problem text={found.problem} />
      {jobs?.nodes.length === 0 && <p className="faint">None.</p>}
      {jobs && jobs.nodes.length > 0 && <Table jobs={jobs.nodes} version={version} />}
      <Pager paging={paging} info={jobs?.pageInfo} />
    </>
  );
}

function Table({ jobs, version }: { jobs: readonly Job[]; version: unknown }) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th className="number">Job</th>
            <th>State</th>
            <th>Why</th>
            <th>The batch system says</th>
            <th>Where</th>
            <th className="number">Wall</th>
            <th className="number">CPU</th>
            <th className="number">Memory</th>
            <th className="number">Starts</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => {
            const shown = open === job.id;
            return (
              <Fragment key={job.id}>
                <Row job={job} open={shown} toggle={() => setOpen(shown ? null : job.id)} />
                {shown && <More id={job.id} version={version} />}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Row({ job, open, toggle }: { job: Job; open: boolean; toggle: () => void }) {
  const codes = [job.code, job.subcode].filter((code) => code !== null).join("/");
  return (
    <tr className="opens" onClick={toggle}>
      <td className="number">
        <button
          type="button"
          className="plain"
          aria-expanded={open}
          aria-label={`Job ${job.number}: its log`}
          onClick={toggled(toggle)}
        >
          {job.number}
        </button>
      </td>
      <td>
        <span className={`badge ${TONES[job.state] ?? "held"}`}>{plain(job.state)}</span>
      </td>
      <td>
        {job.reason === null && job.exitCode === null && job.signal === null ? "" : whyOf(job)}
      </td>
      <td className="reason">{[codes, job.text].filter(Boolean).join(" ")}</td>
      <td>{[job.site, job.slot].filter(Boolean).join(" · ")}</td>
      <td className="number">{duration(job.wallS)}</td>
      <td className="number">{duration(job.cpuS)}</td>
      <td className="number">{job.memoryMb === null ? "–" : `${Math.round(job.memoryMb)} MB`}</td>
      <td className="number">{job.attempt}</td>
    </tr>
  );
}

function More({ id, version }: { id: string; version: unknown }) {
  const found = useQuestion(JOB, { id }, version);
  const job = found.data?.job;
  return (
    <tr>
      <td colSpan={9} className="opened">
        <Problem text={found.problem} />
        {job && (
          <>
            <ul className="faint">
              {job.attempts.map((each) => (
                <li key={each.attempt}>
                  start {each.attempt}: {plain(each.state)}, <When at={each.startedAt} /> to{" "}
                  <When at={each.endedAt} />
                  {each.text && `; ${each.text}`}
                </li>
              ))}
            </ul>
            <Links of={job.links} />
            <pre>{job.logTail || "Nothing is known of its log."}</pre>
          </>
        )}
      </td>
    </tr>
  );
}
