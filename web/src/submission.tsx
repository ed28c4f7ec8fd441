/** The page of one submission. */
import { useState, type ReactNode } from "react";
import { Actions, ACTIONS_ASKED } from "./actions";
import { Configuration } from "./configuration";
import { graphql, type Answered } from "./graphql";
import { History } from "./history";
import { Jobs } from "./jobs";
import { ATTEMPTS, CLUSTERS, Launch } from "./launch";
import { LINKS, Links } from "./links";
import { useLive } from "./live";
import { Outputs } from "./outputs";
import { Badge, Bar, Figure, Problem, Related, When } from "./parts";
import { ACCOUNT, accountPortions, COUNTERS, inputsInWords, jobPortions } from "./progress";
import { useCalmed } from "./question";
import { Recovery, TRIES } from "./recovery";
import { toCampaign } from "./route";
import { Triage } from "./triage";
import { UnfinishedWork } from "./unfinished-work";
import { messageOf } from "./wire";
import { count, duration, keyOf, percent, plain } from "./words";
import { InCatalog } from "./in-catalog";
import { SUMMARIES, Summaries } from "./summaries";

const SUBMISSION = graphql(`subscription Submission($id: ID!) {
  submissionChanged(id: $id) {
    ... on SubmissionNow {
      submission {
        id state stateSince revision reason isTest createdAt endedAt archivedAt batchSystem campaignRevision
        recoveryPosition round decisionNeeded overdueSince outputSource filesTotal availableActions ${COUNTERS} ${ACCOUNT}
        campaign { id name } stage { id name } slice { epoch number parameter low high }
        waiting { position reasons }
        origin { id } upstream { id } recoveries { id state } dependents { id state }
        ${ATTEMPTS}
        ${CLUSTERS}
        ${ACTIONS_ASKED} ${TRIES}
        ${LINKS} ${SUMMARIES}
        catalogLaunch { name project staging trouble waiting delivered consumed failed readAt }
      }
    }
    ... on NotFound { message }
  }
}`);

type Submission = Extract<
  Answered<typeof SUBMISSION>["submissionChanged"],
  { submission: unknown }
>["submission"];

const CALM = 1_500;

export function SubmissionPage({ id }: { id: string }) {
  const live = useLive(SUBMISSION, { id });
  const told = live.data?.submissionChanged;
  const submission = told && "submission" in told ? told.submission : undefined;
  return (
    <section className="page">
      <Problem text={live.problem || messageOf(told)} />
      {!live.data && !live.problem && <p className="faint">Opening the submission…</p>}
      {submission && <Shown of={submission} />}
    </section>
  );
}

function Shown({ of }: { of: Submission }) {
  const version = useCalmed(of.revision, CALM);
  return (
    <>
      <Heading of={of} />
      <Actions id={of.id} available={of.availableActions} asked={of.actions} />
      <Counters of={of} />
      <Fold title="Jobs" open>
        <Jobs submission={of.id} version={version} anyFailed={of.jobsFailed + of.jobsHeld > 0} />
      </Fold>
      {of.jobsFailed + of.jobsHeld > 0 && (
        <Fold title="What failed, by what it has in common">
          <Triage of="submission" id={of.id} version={version} />
        </Fold>
      )}
      <Fold
        title={`Missing outputs (${count(of.outputsDeclared + of.outputsLost)})`}
        open={of.outputsDeclared + of.outputsLost > 0}
      >
        <Outputs submission={of.id} version={version} />
      </Fold>
      <Fold title="What it owes, and what came late" open={of.overdueSince !== null}>
        <UnfinishedWork submission={of.id} version={version} />
      </Fold>
      <Fold title="Plan a recovery" open={of.decisionNeeded !== ""}>
        <Recovery
          submission={of.id}
          tries={of.recoveryAttempts}
          possible={of.availableActions.includes("RECOVER")}
          version={version}
        />
      </Fold>
      <Fold title="Launch" open={of.launchAttempts.length !== 1 || of.jobsSucceeded === 0}>
        <Launch submission={of.id} attempts={of.launchAttempts} clusters={of.clusters} />
      </Fold>
      <Fold title="Exactly what it ran with">
        <Configuration submission={of.id} />
      </Fold>
      <Fold title="History">
        <History submission={of.id} version={version} />
      </Fold>
    </>
  );
}

function Heading({ of }: { of: Submission }) {
  const { origin, upstream } = of;
  const slice = of.slice.parameter ?? `slice ${of.slice.epoch}.${of.slice.number}`;
  return (
    <header className="heading">
      <h2>
        Submission {keyOf(of.id)} <Badge state={of.state} lost={of.account.lost.count} />
      </h2>
      <p>
        <a href={toCampaign(of.campaign.id)}>{of.campaign.name}</a> ›{" "}
        <a href={toCampaign(of.campaign.id, of.stage.id)}>{of.stage.name}</a> › {slice}
        {of.isTest && " · test"}
      </p>
      <span className="marks">
        {origin && (
          <Related
            mark="↺ of"
            id={origin.id}
            title={`Recovery${of.round === null ? " by hand" : `, round ${of.round + 1}`}, of submission`}
          />
        )}
        {upstream && (
          <Related mark="↳ of" id={upstream.id} title="Launched by the end of submission" />
        )}
        {of.recoveries.map(({ id }) => (
          <Related key={id} mark="↺" id={id} title="Recovered by submission" />
        ))}
        {of.dependents.map(({ id }) => (
          <Related key={id} mark="↳" id={id} title="Launched submission" />
        ))}
      </span>
      <Links of={of.links} />
      <Summaries of={of.summaries} />
      <InCatalog of={of.catalogLaunch} />
      {of.reason && <p className="reason">{of.reason}</p>}
      {of.overdueSince && (
        <p className="problem">
          Overdue since <When at={of.overdueSince} />.
        </p>
      )}
      <Problem text={of.decisionNeeded} />
      {of.waiting && (
        <>
          <p>Place {count(of.waiting.position)} in its stage’s queue:</p>
          <ul className="asked">
            {of.waiting.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </>
      )}
    </header>
  );
}

function Counters({ of }: { of: Submission }) {
  const others = jobPortions(of).filter(
    (portion) => portion.name !== "succeeded" && portion.count > 0,
  );
  const rest = others.map((portion) => `${count(portion.count)} ${portion.name}`).join(", ");
  return (
    <>
      <Bar portions={accountPortions(of.account)} />
      <Bar portions={jobPortions(of)} />
      <dl className="figures">
        <Figure name="jobs succeeded">{`${count(of.jobsSucceeded)} of ${count(of.jobsTotal)}${rest && `; ${rest}`}`}</Figure>
        <Figure name="inputs, with those of its recoveries">{inputsInWords(of.account)}</Figure>
        <Figure name="outputs">
          {of.outputSource === "NOBODY"
            ? "not known here: its jobs tell nothing but exit codes"
            : `${count(of.outputsLocated)} located, ${count(of.outputsDeclared)} missing, ${count(of.outputsLost)} lost`}
        </Figure>
        <Figure name="events">{count(of.eventsLocated)}</Figure>
        <Figure name="CPU efficiency">{percent(of.cpuEfficiency)}</Figure>
        <Figure name="memory used">{percent(of.memoryEfficiency)}</Figure>
        <Figure name="wall time">{`${duration(of.wallS)}, ${duration(of.wallWastedS)} in failed jobs`}</Figure>
        <Figure name="created">
          <When at={of.createdAt} />
        </Figure>
        <Figure name={`${plain(of.state)} since`}>
          <When at={of.stateSince} />
        </Figure>
        <Figure name="batch work over">
          <When at={of.endedAt} />
        </Figure>
        {of.archivedAt && (
          <Figure name="inputs and attempts archived">
            <When at={of.archivedAt} />
          </Figure>
        )}
        <Figure name="batch system">{of.batchSystem}</Figure>
      </dl>
    </>
  );
}

/** A part that is asked for once it is opened. */
function Fold({
  title,
  open = false,
  children,
}: {
  title: string;
  open?: boolean;
  children: ReactNode;
}) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const shown = chosen ?? open;
  return (
    <section className="fold">
      <h3>
        <button
          type="button"
          className="plain"
          aria-expanded={shown}
          onClick={() => setChosen(!shown)}
        >
          <span aria-hidden="true">{shown ? "▾" : "▸"}</span> {title}
        </button>
      </h3>
      {shown && children}
    </section>
  );
}
