/** A request: what is wanted, who has agreed to it as it is, and who has still to; decided in place. */
import { useState, type FormEvent } from "react";
import { Reason } from "./actions";
import { graphql, type Answered, type Document } from "./graphql";
import { Figure, Problem, When } from "./parts";
import { useQuestion, useTicks } from "./question";
import { toCampaign } from "./route";
import { carry } from "./wire";
import { count, plain } from "./words";

const LOOK_EVERY = 5_000;

const REQUEST = graphql(`query Request($id: ID!) {
  request(id: $id) {
    id name title purpose physicsGroup state stateSince revision priority neededBy cpuHours cpuHoursBand
    planHash mayApprove availableActions
    owner { username }
    campaign { id name }
    asks { kind dataset files events softwareVersion keep { stage days place } }
    waitingOn { rule isTest reason isTurn }
    decisions {
      id kind revision comment at withdrawnAt parts changedSince
      person { username } behalfOf { username }
    }
  }
  requestRevisions(id: $id) { number at comment campaignRevision author { username } }
  viewer { person { username } }
}`);
const APPROVE = graphql(`mutation ApproveRequest($input: ApproveRequestInput!) {
  result: approveRequest(input: $input) { __typename ... on Problem { message } }
}`);
const RETURN = graphql(`mutation ReturnRequest($id: ID!, $reason: String!) {
  result: returnRequest(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`);
const REJECT = graphql(`mutation RejectRequest($id: ID!, $reason: String!) {
  result: rejectRequest(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`);
const WITHDRAW = graphql(`mutation WithdrawDecision($id: ID!, $reason: String!) {
  result: withdrawDecision(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`);
const CANCEL = graphql(`mutation CancelRequest($id: ID!, $reason: String!) {
  result: cancelRequest(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`);
const FINISH = graphql(`mutation FinishRequest($id: ID!, $reason: String!) {
  result: finishRequest(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`);
const SUBMIT = graphql(`mutation SubmitRequest($id: ID!) {
  result: submitRequest(id: $id) { __typename ... on Problem { message } }
}`);

type Request = NonNullable<Answered<typeof REQUEST>["request"]>;
type Decision = Request["decisions"][number];
type Revision = Answered<typeof REQUEST>["requestRevisions"][number];
type Reasoned = Document<{ result: object }, { id: string; reason: string }>;

export function RequestPage({ id }: { id: string }) {
  const [version, setVersion] = useState(0);
  const ticks = useTicks(LOOK_EVERY);
  const found = useQuestion(REQUEST, { id }, `${version} ${ticks}`);
  const request = found.data?.request;
  const changed = () => setVersion((before) => before + 1);
  if (!request)
    return (
      <section className="page">
        <Problem text={found.problem} />
        {found.data && <p className="empty">There is no such request that you can see.</p>}
      </section>
    );
  return (
    <article className="page">
      <h2>
        {request.name}: {request.title}
      </h2>
      <Problem text={found.problem} />
      <Facts request={request} />
      {request.purpose && <p className="text">{request.purpose}</p>}
      <Wanted request={request} />
      <WaitingOn request={request} />
      <Deciding key={request.planHash} request={request} changed={changed} />
      <Decisions
        decisions={request.decisions}
        viewer={found.data?.viewer.person.username ?? ""}
        changed={changed}
      />
      <Revisions revisions={found.data?.requestRevisions ?? []} />
    </article>
  );
}

function Facts({ request }: { request: Request }) {
  return (
    <dl className="figures">
      <Figure name="State">{plain(request.state)}</Figure>
      <Figure name="Since">
        <When at={request.stateSince} />
      </Figure>
      <Figure name="Of">{request.owner.username}</Figure>
      <Figure name="Plan">
        {request.campaign ? (
          <a href={toCampaign(request.campaign.id)}>{request.campaign.name}</a>
        ) : (
          "none yet"
        )}
      </Figure>
      <Figure name="CPU hours">{request.cpuHoursBand}</Figure>
      <Figure name="Priority">{request.priority}</Figure>
      <Figure name="Needed by">
        <When at={request.neededBy} />
      </Figure>
      {request.physicsGroup && <Figure name="For">{request.physicsGroup}</Figure>}
    </dl>
  );
}

function Wanted({ request }: { request: Request }) {
  return (
    <ul aria-label="What is wanted">
      {request.asks.map((ask, index) => (
        <li key={index}>
          {ask.dataset === null
            ? `${count(Number(ask.events ?? 0))} events`
            : `dataset ${ask.dataset}${ask.files === null ? "" : ` of ${count(ask.files)} files`}`}
          {ask.softwareVersion && ` with ${ask.softwareVersion}`}
          {ask.keep.map((kept) => (
            <span key={kept.stage}>
              ; outputs of {kept.stage} are kept{" "}
              {kept.days === null ? "for ever" : `for ${kept.days} days`} {kept.place}
            </span>
          ))}
        </li>
      ))}
    </ul>
  );
}

function WaitingOn({ request }: { request: Request }) {
  if (request.waitingOn.length === 0) return null;
  return (
    <section aria-label="Who has still to agree">
      <h3>Waits for</h3>
      <ul>
        {request.waitingOn.map((each) => (
          <li key={`${each.rule} ${each.isTest}`}>
            {each.reason} {each.isTest && "Test launches wait for it."}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What can be decided now; to agree is to agree to what is shown here. */
function Deciding({ request, changed }: { request: Request; changed: () => void }) {
  const [problem, setProblem] = useState("");
  const is = (action: string) => request.availableActions.some((each) => each === action);
  const refuses = request.mayApprove && request.state !== "RUNNING";

  async function done(refused: string): Promise<void> {
    setProblem(refused);
    changed();
  }

  async function approve(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const comment = String(new FormData(event.currentTarget).get("comment"));
    const input = { id: request.id, planHash: request.planHash, comment };
    await done(await carry(APPROVE, { input }));
  }

  return (
    <section className="actions" aria-label="What you can do">
      {request.mayApprove && (
        <form className="why" onSubmit={(event) => void approve(event)}>
          <label>
            You are asked to agree to it as it is.{" "}
            <input name="comment" maxLength={1000} placeholder="a comment" autoComplete="off" />
          </label>{" "}
          <button type="submit">Agree to it</button>
        </form>
      )}
      {is("SUBMIT") && (
        <button type="button" onClick={() => void carry(SUBMIT, { id: request.id }).then(done)}>
          Submit it
        </button>
      )}
      {refuses && (
        <>
          <WithReason
            name="Return"
            effect="Its author is to change it before anybody agrees."
            of={request.id}
            mutation={RETURN}
            done={done}
          />
          <WithReason
            name="Reject"
            effect="It will not be done."
            of={request.id}
            mutation={REJECT}
            done={done}
          />
        </>
      )}
      {is("FINISH") && (
        <WithReason
          name="Finish"
          effect="What it wanted is there; its campaign launches nothing more."
          of={request.id}
          mutation={FINISH}
          done={done}
        />
      )}
      {is("CANCEL") && (
        <WithReason
          name="Cancel"
          effect="Its campaign launches nothing more."
          of={request.id}
          mutation={CANCEL}
          done={done}
        />
      )}
      <Problem text={problem} />
    </section>
  );
}

interface WithReasonProps {
  readonly name: string;
  readonly effect: string;
  readonly of: string;
  readonly mutation: Reasoned;
  done(refused: string): Promise<void>;
}

function WithReason({ name, effect, of, mutation, done }: WithReasonProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        {name}
      </button>
      {open && (
        <Reason
          name={name}
          effect={effect}
          ask={async (reason) => {
            await done(await carry(mutation, { id: of, reason }));
            setOpen(false);
          }}
        />
      )}
    </>
  );
}

interface DecisionsProps {
  readonly decisions: readonly Decision[];
  readonly viewer: string;
  changed(): void;
}

function Decisions({ decisions, viewer, changed }: DecisionsProps) {
  const [problem, setProblem] = useState("");
  if (decisions.length === 0) return null;
  return (
    <section aria-label="What was decided">
      <h3>Decided</h3>
      <ul>
        {decisions.map((each) => (
          <li key={each.id}>
            {describe(each)}, <When at={each.at} />
            {each.person.username === viewer && each.kind === "APPROVE" && !each.withdrawnAt && (
              <WithReason
                name="Take back"
                effect="What needs your agreement launches nothing more."
                of={each.id}
                mutation={WITHDRAW}
                done={async (refused) => {
                  setProblem(refused);
                  changed();
                }}
              />
            )}
          </li>
        ))}
      </ul>
      <Problem text={problem} />
    </section>
  );
}

const DECIDED = { APPROVE: "agreed to", RETURN: "returned", REJECT: "rejected" } as const;

function describe(of: Decision): string {
  const behalf = of.behalfOf ? ` for ${of.behalfOf.username}` : "";
  const said = of.comment ? `: ${of.comment}` : "";
  const since = of.withdrawnAt
    ? ", taken back"
    : of.changedSince.length > 0
      ? `; since then ${of.changedSince.map(plain).join(", ")} changed`
      : "";
  return `${of.person.username}${behalf} ${DECIDED[of.kind]} revision ${of.revision}${since}${said}`;
}

function Revisions({ revisions }: { revisions: readonly Revision[] }) {
  return (
    <details>
      <summary>Revisions</summary>
      <ol reversed>
        {revisions.map((each) => (
          <li key={each.number} value={each.number}>
            <When at={each.at} /> {each.author?.username ?? "elsewhere"}
            {each.campaignRevision !== null && `, campaign revision ${each.campaignRevision}`}
            {each.comment && `: ${each.comment}`}
          </li>
        ))}
      </ol>
    </details>
  );
}
