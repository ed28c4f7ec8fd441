/** How a submission was handed to its batch system, and what the launch says while it goes on. */
import { useEffect, useState } from "react";
import { graphql, type Fields } from "./graphql";
import { follow } from "./live";
import { Problem, When } from "./parts";
import { messageOf } from "./wire";
import { count, plain } from "./words";

const OUTPUT = graphql(`subscription LaunchOutput($id: ID!, $after: String) {
  launchOutput(id: $id, after: $after) {
    ... on LaunchOutput { cursor attempt text }
    ... on NotFound { message }
  }
}`);

const MOST_KEPT = 200_000; // characters

export const ATTEMPTS = "launchAttempts { attempt state mark resultMessage at }";
export const CLUSTERS = "clusters { batchSystem nativeId attempt jobs }";

type LaunchAttempt = Fields<"Submission", typeof ATTEMPTS>["launchAttempts"][number];
type Cluster = Fields<"Submission", typeof CLUSTERS>["clusters"][number];

export function Launch({
  submission,
  attempts,
  clusters,
}: {
  submission: string;
  attempts: readonly LaunchAttempt[];
  clusters: readonly Cluster[];
}) {
  // The subscription ends with a launch; another attempt begins it anew.
  const output = useOutput(submission, attempts.length);
  return (
    <>
      {attempts.length === 0 && <p className="faint">No attempt to launch it yet.</p>}
      {attempts.length > 0 && (
        <ul className="asked">
          {attempts.map((each) => (
            <li key={each.attempt}>
              <When at={each.at} /> attempt {each.attempt}: {plain(each.state)}
              {clusters.filter((one) => one.attempt === each.attempt).map(shown).join("")}{" "}
              <span className="faint">({each.mark})</span>
              {each.resultMessage && `: ${each.resultMessage}`}
            </li>
          ))}
        </ul>
      )}
      <Problem text={output.problem} />
      {output.text && <pre aria-live="polite">{output.text}</pre>}
      {!output.text && (
        <p className="faint">
          {output.over ? "The launch said nothing." : "Listening to the launch…"}
        </p>
      )}
    </>
  );
}

/** A launch script's cluster is not counted yet for a moment. */
function shown({ batchSystem, nativeId, jobs }: Cluster): string {
  return `, cluster ${nativeId} of ${batchSystem}${jobs === null ? "" : ` (${count(jobs)} jobs)`}`;
}

interface Said {
  readonly text: string;
  readonly over: boolean;
  readonly problem: string;
}

function useOutput(id: string, attempts: number): Said {
  const [said, setSaid] = useState<Said>({ text: "", over: false, problem: "" });
  useEffect(() => {
    let after: string | null = null;
    setSaid({ text: "", over: false, problem: "" });
    return follow(
      () => ({ query: OUTPUT, variables: { id, after } }),
      {
        next: ({ launchOutput: piece }) => {
          const text = "text" in piece ? piece.text : "";
          if ("cursor" in piece) after = piece.cursor;
          setSaid((old) => ({
            ...old,
            text: joined(old.text, text),
            problem: messageOf(piece),
          }));
        },
        problem: (problem) => setSaid((old) => ({ ...old, problem })),
        over: () => setSaid((old) => ({ ...old, over: true })),
      },
      { quiet: true },
    );
  }, [id, attempts]);
  return said;
}

/** Pieces are lines of their own, with or without an end of line. */
function joined(before: string, piece: string): string {
  const line = piece === "" || piece.endsWith("\n") ? piece : `${piece}\n`;
  return (before + line).slice(-MOST_KEPT);
}
