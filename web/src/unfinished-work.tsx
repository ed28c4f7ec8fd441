/** What a submission still owes, by name, and what came too late for its dependents. */
import { useState } from "react";
import { graphql } from "./graphql";
import { Problem } from "./parts";
import { useQuestion } from "./question";
import { carry } from "./wire";
import { several } from "./words";

const UNFINISHED_WORK = graphql(`query UnfinishedWork($id: ID!) {
  submission(id: $id) {
    missing { name isOutput why } lateFiles { stageId files names } stage { availableActions }
  }
}`);

const LAUNCH = graphql(`mutation LaunchLate($id: ID!) {
  result: launchLate(id: $id) { __typename ... on Problem { message } }
}`);

export function UnfinishedWork({ submission, version }: { submission: string; version: unknown }) {
  const [again, setAgain] = useState(0);
  const [said, setSaid] = useState("");
  const found = useQuestion(UNFINISHED_WORK, { id: submission }, `${String(version)} ${again}`);
  const { missing = [], lateFiles: late = [], stage } = found.last?.submission ?? {};
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
            {several(each.files, "file")} came after the next stage was launched for it, waiting for a
            slice: {each.names.join(", ")}
            {each.files > each.names.length && ", …"}{" "}
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
