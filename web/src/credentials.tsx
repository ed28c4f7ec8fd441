/** The credentials that need somebody: launches wait for them, or soon will. */
import { graphql, type Answered } from "./graphql";
import { useHouseNews } from "./heartbeat";
import { When } from "./parts";
import { useQuestion, useTicks } from "./question";

const LOOK_EVERY = 15_000;

const IN_NEED = graphql(`query CredentialsInNeed {
  credentialsInNeed {
    id name problem expiresAt renewalAttempts owner { username } experiment { name }
  }
}`);

type Credential = Answered<typeof IN_NEED>["credentialsInNeed"][number];

export function CredentialsInNeed() {
  const ticks = useTicks(LOOK_EVERY);
  const news = useHouseNews();
  const found = useQuestion(IN_NEED, {}, `${ticks} ${news}`);
  const inNeed = found.last?.credentialsInNeed ?? [];
  if (inNeed.length === 0) return null;
  return (
    <section className="page systems" aria-label="Credentials that need somebody">
      {inNeed.map((credential) => (
        <p key={credential.id} className={credential.problem ? "wrong" : ""}>
          <Need credential={credential} />
        </p>
      ))}
    </section>
  );
}

function Need({ credential }: { credential: Credential }) {
  const { name, problem, expiresAt, renewalAttempts, owner, experiment } = credential;
  return (
    <>
      Credential <b>{name}</b> of {experiment.name} ({owner.username}):{" "}
      {problem || (
        <>
          until <When at={expiresAt} />
        </>
      )}
      {renewalAttempts > 0 && ` Its renewal failed ${renewalAttempts} times.`}
    </>
  );
}
