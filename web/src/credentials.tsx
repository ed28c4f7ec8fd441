/** The credentials that need somebody: launches wait for them, or soon will. */
import { useHouseNews } from "./heartbeat";
import { When } from "./parts";
import { useQuestion, useTicks } from "./question";

const LOOK_EVERY = 15_000;

const IN_NEED = `query CredentialsInNeed {
  credentialsInNeed {
    id name problem expiresAt renewalTries owner { username } experiment { name }
  }
}`;

interface Credential {
  readonly id: string;
  readonly name: string;
  readonly problem: string;
  readonly expiresAt: string | null;
  readonly renewalTries: number;
  readonly owner: { readonly username: string };
  readonly experiment: { readonly name: string };
}

export function CredentialsInNeed() {
  const ticks = useTicks(LOOK_EVERY);
  const news = useHouseNews();
  const found = useQuestion<{ readonly credentialsInNeed: readonly Credential[] }>(
    IN_NEED,
    {},
    `${ticks} ${news}`,
  );
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
  const { name, problem, expiresAt, renewalTries, owner, experiment } = credential;
  return (
    <>
      Credential <b>{name}</b> of {experiment.name} ({owner.username}):{" "}
      {problem || (
        <>
          until <When at={expiresAt} />
        </>
      )}
      {renewalTries > 0 && ` Its renewal failed ${renewalTries} times.`}
    </>
  );
}
