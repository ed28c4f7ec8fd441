/** What can be asked of a submission now, and what was. */
import { useId, useState, type FormEvent } from "react";
import { Problem, When } from "./parts";
import type { ActionAsked } from "./submission";
import { carry } from "./wire";
import { plain } from "./words";

const ACTIONS: Record<
  string,
  { readonly name: string; readonly field: string; readonly effect: string }
> = {
  CANCEL: {
    name: "Cancel",
    field: "cancelSubmission",
    effect: "Its jobs are removed, or it isn't launched at all.",
  },
  HOLD: {
    name: "Hold",
    field: "holdSubmission",
    effect: "Its jobs don't run until they are released.",
  },
  RELEASE: { name: "Release", field: "releaseSubmission", effect: "Its held jobs may run." },
  KICK: {
    name: "Kick",
    field: "kickSubmission",
    effect: "It counts as located, whatever is missing: what depends on it goes on.",
  },
};

interface Props {
  readonly id: string;
  readonly available: readonly string[];
  readonly asked: readonly ActionAsked[];
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
            const refused = await carry(mutation(action.field), { id, reason });
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

function Asked({ asked }: { asked: readonly ActionAsked[] }) {
  if (asked.length === 0) return null;
  return (
    <ul className="asked">
      {asked.map((each) => (
        <li key={`${each.verb} ${each.at}`}>
          <When at={each.at} /> {plain(each.verb)}: “{each.reason}” —{" "}
          {each.doneAt === null
            ? `waits${each.tries > 0 ? `, tried ${each.tries} times` : ""}`
            : "done"}
          {each.said && `: ${each.said}`}
        </li>
      ))}
    </ul>
  );
}

function mutation(field: string): string {
  return `mutation Act($id: ID!, $reason: String!) {
    result: ${field}(id: $id, reason: $reason) { __typename ... on Problem { message } }
  }`;
}
