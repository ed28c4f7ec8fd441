/** Who holds launches of something; and the buttons that hold and release them. */
import { useState } from "react";
import { Reason } from "./actions";
import { graphql, type Document, type Fields } from "./graphql";
import { Problem, When } from "./parts";
import { carry } from "./wire";
import { plain } from "./words";

export const HOLDS =
  "launchHolds { id scope name reason heldAt heldBy { username } availableActions }";

const HOLD = graphql(`mutation Hold($id: ID!, $reason: String!) {
  result: holdLaunches(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`);
const RELEASE = graphql(`mutation Release($id: ID!) {
  result: releaseLaunches(id: $id) { __typename ... on Problem { message } }
}`);

type LaunchHold = Fields<"Stage", typeof HOLDS>["launchHolds"][number];

interface Props {
  readonly id: string;
  readonly what: "campaign" | "stage";
  readonly may: boolean;
  readonly holds: readonly LaunchHold[];
}

export function Holds({ id, what, may, holds }: Props) {
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState("");
  const held = holds.some((hold) => hold.scope === what.toUpperCase());

  async function decide<Variables>(
    query: Document<{ result: object }, Variables>,
    variables: Variables,
  ): Promise<void> {
    const refused = await carry(query, variables);
    setProblem(refused);
    if (!refused) setAsking(false);
  }

  return (
    <div className="actions">
      {may && !held && (
        <button type="button" aria-expanded={asking} onClick={() => setAsking(!asking)}>
          Hold launches
        </button>
      )}
      {asking && !held && (
        <Reason
          name="Hold"
          effect={`Launches of this ${what} wait; what runs goes on.`}
          ask={(reason) => decide(HOLD, { id, reason })}
        />
      )}
      <Problem text={problem} />
      {holds.map((hold) => (
        <p key={hold.id} className="problem">
          {hold.heldBy.username} holds launches of {plain(hold.scope)} {hold.name} since{" "}
          <When at={hold.heldAt} />: {hold.reason}{" "}
          {hold.availableActions.includes("RELEASE") && (
            <button type="button" onClick={() => void decide(RELEASE, { id: hold.id })}>
              Release
            </button>
          )}
        </p>
      ))}
    </div>
  );
}
