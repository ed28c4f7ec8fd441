/** How a submission was handed to its batch system, and what the launch says while it goes on. */
import { useEffect, useState } from "react";
import { follow } from "./live";
import { Problem, When } from "./parts";
import { count, plain } from "./words";

const OUTPUT = `subscription LaunchOutput($id: ID!, $after: Int!) {
  launchOutput(submissionId: $id, after: $after) {
    ... on LaunchOutput { sequence attempt text }
    ... on NotFound { message }
  }
}`;

const MOST_KEPT = 200_000; // characters

export interface LaunchAttempt {
  readonly attempt: number;
  readonly state: string;
  readonly mark: string;
  readonly said: string;
  readonly at: string;
}

export interface Cluster {
  readonly batchSystem: string;
  readonly nativeId: string;
  readonly attempt: number;
  readonly jobs: number | null;
}

interface Piece {
  readonly launchOutput: {
    readonly sequence?: number;
    readonly text?: string;
    readonly message?: string;
  };
}

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
              {each.said && `: ${each.said}`}
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
    let after = -1;
    setSaid({ text: "", over: false, problem: "" });
    return follow<Piece>(
      () => ({ query: OUTPUT, variables: { id, after } }),
      {
        next: ({ launchOutput: { sequence = after, text = "", message = "" } }) => {
          after = sequence;
          setSaid((old) => ({
            ...old,
            text: joined(old.text, text),
            problem: message,
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
