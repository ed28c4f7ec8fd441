/** What a submission still owes, by name, and what came too late for its dependents. */
import { useState } from "react";
import { Problem } from "./parts";
import { useQuestion } from "./question";
import { carry } from "./wire";
import { several } from "./words";

const UNDONE = `query Undone($id: ID!) {
  submission(id: $id) {
    missing { name isOutput why } late { stageId files names } stage { availableActions }
  }
}`;

const LAUNCH = `mutation LaunchLate($id: ID!) {
  result: launchLate(submissionId: $id) { __typename ... on Problem { message } }
}`;

interface Found {
  readonly submission: {
    readonly missing: readonly {
      readonly name: string;
      readonly isOutput: boolean;
      readonly why: string;
    }[];
    readonly late: readonly {
      readonly stageId: string;
      readonly files: number;
      readonly names: readonly string[];
    }[];
    readonly stage: { readonly availableActions: readonly string[] };
  } | null;
}

export function Undone({ submission, version }: { submission: string; version: unknown }) {
  const [again, setAgain] = useState(0);
  const [said, setSaid] = useState("");
  const found = useQuestion<Found>(UNDONE, { id: submission }, `${String(version)} ${again}`);
  const { missing = [], late = [], stage } = found.last?.submission ?? {};
  const may = stage?.availableActions.includes("LAUNCH") ?? false;

  async function launch(): Promise<void> {
    setSaid(await carry(LAUNCH, { id: submission }));
    setAgain((old) => old + 1);
  }

  return (
    <>
      <Problem text={found.problem || said} />
      {stage && missing.length === 0 && late.length === 0 && (
        <p className="faint">Nothing is missing.</p>
      )}
      <ul className="asked">
        {missing.map((each) => (
          <li key={`${each.isOutput} ${each.name}`}>
            {each.isOutput ? "output" : "input"} {each.name}: {each.why}
          </li>
        ))}
        {late.map((each) => (
          <li key={each.stageId}>
            {several(each.files, "file")} came after the next stage was launched, waiting for its
            next slice: {each.names.join(", ")}{" "}
            {may && (
              <button type="button" onClick={() => void launch()}>
                Launch it now
              </button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
