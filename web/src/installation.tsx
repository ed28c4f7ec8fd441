/** The question whether this installation was moved or copied: nothing is launched before it is answered. */
import { useState } from "react";
import { graphql } from "./graphql";
import { Problem, When } from "./parts";
import { useQuestion, useTicks } from "./question";
import { carry } from "./wire";

const LOOK_EVERY = 5_000;

const DOUBT = graphql(`query InstallationDoubt {
  installation { doubt { why since answerable answer } }
  viewer { isAdmin }
}`);
const ANSWER = graphql(`mutation ConfirmInstallation($answer: InstallationAnswer!) {
  result: confirmInstallation(answer: $answer) { __typename ... on Problem { message } }
}`);

const ANSWERS = [
  {
    answer: "MOVED",
    name: "It was moved",
    effect: "It goes on; the other one must never run again.",
  },
  {
    answer: "COPY",
    name: "It is a copy",
    effect: "It forgets what is under way, and leaves the original's clusters alone.",
  },
] as const;

export function InstallationQuestion() {
  const ticks = useTicks(LOOK_EVERY);
  const [problem, setProblem] = useState("");
  const [answered, setAnswered] = useState("");
  const found = useQuestion(DOUBT, {}, `${ticks} ${answered}`);
  const doubt = found.last?.installation.doubt;
  if (!doubt) return null;

  async function decide(answer: "MOVED" | "COPY"): Promise<void> {
    const refused = await carry(ANSWER, { answer });
    setProblem(refused);
    if (!refused) setAnswered(answer);
  }

  return (
    <section className="page systems" aria-label="Installation">
      <p className="wrong">
        Nothing is launched, and no cluster is touched, since <When at={doubt.since} />: {doubt.why}
        .{doubt.answerable && " Was this installation moved, or is it a copy of one?"}
      </p>
      {doubt.answerable && !doubt.answer && found.last?.viewer.isAdmin && (
        <div className="actions">
          {ANSWERS.map(({ answer, name, effect }) => (
            <button key={answer} type="button" title={effect} onClick={() => void decide(answer)}>
              {name}
            </button>
          ))}
        </div>
      )}
      <Problem text={problem} />
    </section>
  );
}
