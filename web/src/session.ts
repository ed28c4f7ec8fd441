/** Who is signed in on this tab: the token lives as long as the tab, and not in the address. */
import { useSyncExternalStore } from "react";

export interface Session {
  /** Empty: signed in by a cookie, which no script sees. */
  readonly token: string | null;
  /** The server said no to the token that was here before. */
  readonly refused: boolean;
}

const KEY = "poms.token";
const BEARER = /^[A-Za-z0-9\-._~+/]+=*$/;
const watchers = new Set<() => void>();
let session: Session = { token: remembered(), refused: false };

/** The session as it is now. */
export function current(): Session {
  return session;
}

/** Run `watcher` after every change; call the result to stop. */
export function onChange(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** The session, for a component that shows it. */
export function useSession(): Session {
  return useSyncExternalStore(onChange, current);
}

/** The token in what somebody pasted, or null if it can't be one. */
export function tokenIn(pasted: string): string | null {
  const token = pasted.trim().replace(/^(authorization:\s*)?bearer\s+/i, "");
  return BEARER.test(token) ? token : null;
}

/** Use this token from now on. */
export function signIn(token: string): void {
  become({ token, refused: false });
}

/** Go on as who is signed in by a cookie. */
export function signInByCookie(): void {
  become({ token: "", refused: false });
}

/** Forget the token, or end the session of the cookie. */
export function signOut(): void {
  const gone = () => become({ token: null, refused: false });
  // Only when it has ended: whoever signs in next must not find it still there.
  if (session.token === "") void fetch("/sign-out", { method: "POST" }).then(gone, gone);
  else gone();
}

/** Forget a token that the server refused, unless another one has taken its place. */
export function refuse(token: string): void {
  if (token === session.token) become({ token: null, refused: true });
}

function become(next: Session): void {
  session = next;
  remember(next.token);
  for (const watcher of watchers) watcher();
}

function remembered(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null; // storage is switched off in this browser: the token lives as long as the page
  }
}

function remember(token: string | null): void {
  try {
    if (!token) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // see remembered()
  }
}

/** Take `#token=…` out of the address bar and the history entry, and sign in with it. */
function takeFromAddress(): void {
  const parts = new URLSearchParams(location.hash.slice(1));
  const given = parts.get("token");
  if (given === null) return;
  parts.delete("token");
  const rest = parts.size > 0 ? `#${parts}` : "";
  history.replaceState(
    history.state,
    "",
    location.pathname + location.search + rest,
  );
  const token = tokenIn(given.replaceAll(" ", "+")); // a bare + in an address reads as a space
  if (token !== null && mayReplace(token)) signIn(token);
}

/** A link, which anybody can have sent, takes nobody's place without a word. */
function mayReplace(token: string): boolean {
  if (session.token === null || session.token === token) return true;
  return confirm(
    `You are signed in here as ${nameIn(session.token)}. This link signs you in as ${nameIn(token)} instead. Do you want that?`,
  );
}

/** Whom a token names, as far as it says so; only the server knows whether that is true. */
function nameIn(token: string): string {
  try {
    const part = (token.split(".")[1] ?? "")
      .replaceAll("-", "+")
      .replaceAll("_", "/");
    const claims: unknown = JSON.parse(atob(part));
    const name = (claims as { readonly sub?: unknown }).sub;
    return typeof name === "string" ? name.slice(0, 64) : "somebody";
  } catch {
    return "somebody";
  }
}

takeFromAddress();
addEventListener("hashchange", takeFromAddress);
