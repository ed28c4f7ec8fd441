/** What a submission still owes, by name, and what came too late for its dependents. */
import { useState } from "react";
import { Problem } from "./parts";
import { useQuestion } from "./question";
import { ask } from "./wire";
import { count } from "./words";

const UNDONE = `query Undone($id: ID!) {
  submission(id: $id) { missing { name isOutput why } late { stageId files names } }
}`;

const LAUNCH = `mutation LaunchLate($id: ID!) {
  launchLate(submissionId: $id) { ... on Problem { message } }
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
  } | null;
}

export function Undone({ submission, version }: { submission: string; version: unknown }) {
  const [again, setAgain] = useState(0);
  const [said, setSaid] = useState("");
  const found = useQuestion<Found>(UNDONE, { id: submission }, `${String(version)} ${again}`);
  const { missing = [], late = [] } = found.last?.submission ?? {};

  function launch() {
    void ask<{ launchLate: { message?: string } }>({
      query: LAUNCH,
      variables: { id: submission },
    }).then((answer) => {
      setSaid(answer.errors?.[0]?.message ?? answer.data?.launchLate.message ?? "");
      setAgain((old) => old + 1);
    });
  }

  return (
    <>
      <Problem text={found.problem || said} />
      {missing.length === 0 && late.length === 0 && <p className="faint">Nothing is missing.</p>}
      <ul className="asked">
        {missing.map((each) => (
          <li key={`${each.isOutput} ${each.name}`}>
            {each.isOutput ? "output" : "input"} {each.name}: {each.why}
          </li>
        ))}
        {late.map((each) => (
          <li key={each.stageId}>
            {count(each.files)} files came after the next stage was launched, and wait for its next
            slice: {each.names.join(", ")}{" "}
            <button type="button" onClick={launch}>
              Launch it now
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
