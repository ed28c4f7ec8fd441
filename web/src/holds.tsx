/** Who holds launches of something; and the buttons that hold and release them. */
import { useState } from "react";
import { Reason } from "./actions";
import { Problem, When } from "./parts";
import { carry } from "./wire";
import { plain } from "./words";

export const HOLDS =
  "launchHolds { id scope name reason heldAt heldBy { username } availableActions }";

export interface LaunchHold {
  readonly id: string;
  readonly scope: string;
  readonly name: string;
  readonly reason: string;
  readonly heldAt: string;
  readonly heldBy: { readonly username: string };
  readonly availableActions: readonly string[];
}

const HOLD = `mutation Hold($id: ID!, $reason: String!) {
  result: holdLaunches(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`;
const RELEASE = `mutation Release($id: ID!) {
  result: releaseLaunches(holdId: $id) { __typename ... on Problem { message } }
}`;

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

  async function decide(query: string, variables: Record<string, string>): Promise<void> {
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
