import { useEffect, useId, useState, type FormEvent } from "react";
import { signIn, signInByCookie, tokenIn, useSession } from "./session";

const REFUSED = "POMS did not accept that token: it may have expired. Paste a new one.";
const NO_TOKEN = "This is not a token. Paste the one line that you were given, without quotes.";

interface Issuer {
  readonly name: string;
  readonly title: string;
}

/** Who signs people in here; whoever has a session already goes on with it, unless it was just refused. */
function useIssuers(refused: boolean): readonly Issuer[] {
  const [issuers, setIssuers] = useState<readonly Issuer[]>([]);
  useEffect(() => {
    const over = new AbortController();
    void lookUp(over.signal).then((found) => {
      if (over.signal.aborted) return;
      if (found.username !== null && !refused) signInByCookie();
      else setIssuers(found.issuers);
    });
    return () => over.abort();
  }, [refused]);
  return issuers;
}

async function lookUp(signal: AbortSignal): Promise<{ issuers: readonly Issuer[]; username: string | null }> {
  try {
    const response = await fetch("/sign-in/session", { method: "POST", signal });
    if (response.ok) return await response.json();
  } catch {
    // a token can be pasted still
  }
  return { issuers: [], username: null };
}

/** The box in which somebody without a (good) token signs in at an issuer, or pastes one. */
export function SignIn() {
  const { refused } = useSession();
  const [problem, setProblem] = useState(refused ? REFUSED : "");
  const issuers = useIssuers(refused);
  const field = useId();
  const title = useId();

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const token = tokenIn(String(new FormData(event.currentTarget).get("token")));
    if (token === null) setProblem(NO_TOKEN);
    else signIn(token);
  }

  return (
    <div className="sign-in" role="dialog" aria-modal="true" aria-labelledby={title}>
      <form onSubmit={submit}>
        <h2 id={title}>Sign in</h2>
        {issuers.map(({ name, title }) => (
          <a key={name} className="issuer" href={`/sign-in?issuer=${encodeURIComponent(name)}`}>
            Sign in with {title}
          </a>
        ))}
        <label htmlFor={field}>Token</label>
        <input
          id={field}
          name="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          autoFocus={issuers.length === 0}
          required
        />
        {problem && <p role="alert">{problem}</p>}
        <button type="submit">Sign in</button>
        <p className="hint">It is kept in this tab only, and forgotten when the tab is closed.</p>
      </form>
    </div>
  );
}
