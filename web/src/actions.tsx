/** What can be asked of a submission now, and what was. */
import { useId, useState, type FormEvent } from "react";
import { graphql, type Document, type Fields } from "./graphql";
import { Problem, When } from "./parts";
import { carry } from "./wire";
import { plain } from "./words";

export const ACTIONS_ASKED = "actions { verb reason at attempts doneAt resultMessage }";

type JobAction = Fields<"Submission", typeof ACTIONS_ASKED>["actions"][number];

interface Action {
  readonly name: string;
  readonly effect: string;
  readonly mutation: Document<{ result: object }, { id: string; reason: string }>;
}

const ACTIONS: Record<string, Action> = {
  CANCEL: {
    name: "Cancel",
    effect: "Its jobs are removed, or it isn't launched at all.",
    mutation: graphql(`mutation Act($id: ID!, $reason: String!) {
      result: cancelSubmission(id: $id, reason: $reason) { __typename ... on Problem { message } }
    }`),
  },
  HOLD: {
    name: "Hold",
    effect: "Its jobs don't run until they are released.",
    mutation: graphql(`mutation Act($id: ID!, $reason: String!) {
      result: holdSubmission(id: $id, reason: $reason) { __typename ... on Problem { message } }
    }`),
  },
  RELEASE: {
    name: "Release",
    effect: "Its held jobs may run.",
    mutation: graphql(`mutation Act($id: ID!, $reason: String!) {
      result: releaseSubmission(id: $id, reason: $reason) { __typename ... on Problem { message } }
    }`),
  },
  KICK: {
    name: "Kick",
    effect: "It counts as located, whatever is missing: what depends on it goes on.",
    mutation: graphql(`mutation Act($id: ID!, $reason: String!) {
      result: kickSubmission(id: $id, reason: $reason) { __typename ... on Problem { message } }
    }`),
  },
};

interface Props {
  readonly id: string;
  readonly available: readonly string[];
  readonly asked: readonly JobAction[];
}

export function Actions({ id, available, asked }: Props) {
  const [chosen, setChosen] = useState<string | null>(null);
  const [problem, setProblem] = useState("");
  const action = chosen === null ? undefined : ACTIONS[chosen];
  return (
    <div className="actions">
      {available
        .filter((each) => each in ACTIONS)
        .map((each) => (
          <button
            key={each}
            type="button"
            aria-expanded={each === chosen}
            onClick={() => {
              setProblem("");
              setChosen(each === chosen ? null : each);
            }}
          >
            {ACTIONS[each]?.name ?? plain(each)}
          </button>
        ))}
      {action && (
        <Reason
          key={chosen}
          name={action.name}
          effect={action.effect}
          ask={async (reason) => {
            const refused = await carry(action.mutation, { id, reason });
            setProblem(refused);
            if (!refused) setChosen(null);
          }}
        />
      )}
      <Problem text={problem} />
      <Asked asked={asked} />
    </div>
  );
}

interface ReasonProps {
  readonly name: string;
  readonly effect: string;
  ask(reason: string): Promise<void>;
}

export function Reason({ name, effect, ask }: ReasonProps) {
  const [busy, setBusy] = useState(false);
  const field = useId();

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason"));
    setBusy(true);
    void ask(reason).finally(() => setBusy(false));
  }

  return (
    <form className="why" onSubmit={submit}>
      <label htmlFor={field}>{effect} Why?</label>
      <input id={field} name="reason" required maxLength={1000} autoFocus autoComplete="off" />
      <button type="submit" disabled={busy}>
        {name} it
      </button>
    </form>
  );
}

function Asked({ asked }: { asked: readonly JobAction[] }) {
  if (asked.length === 0) return null;
  return (
    <ul className="asked">
      {asked.map((each) => (
        <li key={`${each.verb} ${each.at}`}>
          <When at={each.at} /> {plain(each.verb)}: “{each.reason}” —{" "}
          {each.doneAt === null
            ? `waits${each.attempts > 0 ? `, tried ${each.attempts} times` : ""}`
            : "done"}
          {each.resultMessage && `: ${each.resultMessage}`}
        </li>
      ))}
    </ul>
  );
}
