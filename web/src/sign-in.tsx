import { useId, useState, type FormEvent } from "react";
import { signIn, tokenIn, useSession } from "./session";

const REFUSED = "POMS did not accept that token: it may have expired. Paste a new one.";
const NO_TOKEN = "This is not a token. Paste the one line that you were given, without quotes.";

/** The box in which somebody without a (good) token pastes one. */
export function SignIn() {
  const { refused } = useSession();
  const [problem, setProblem] = useState(refused ? REFUSED : "");
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
        <label htmlFor={field}>Token</label>
        <input
          id={field}
          name="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          required
        />
        {problem && <p role="alert">{problem}</p>}
        <button type="submit">Sign in</button>
        <p className="hint">It is kept in this tab only, and forgotten when the tab is closed.</p>
      </form>
    </div>
  );
}
