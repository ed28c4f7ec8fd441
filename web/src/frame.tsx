/** What every page has: the header, the way to the other page, and the sign-in box. */
import "./frame.css";
import { StrictMode, useState, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { signOut, useSession } from "./session";
import { SignIn } from "./sign-in";

const PAGES = [
  { path: "/", name: "Campaigns" },
  { path: "/graphql", name: "Playground" },
] as const;

type Path = (typeof PAGES)[number]["path"];

/** Show a page: its content comes with sign-in, stays when the token runs out, goes at sign-out. */
export function show(path: Path, content: ReactNode): void {
  const place = document.getElementById("page");
  if (place === null) throw new Error("The page has no place for its content.");
  createRoot(place).render(
    <StrictMode>
      <Frame path={path}>{content}</Frame>
    </StrictMode>,
  );
}

function Frame({ path, children }: { path: Path; children: ReactNode }) {
  const { token, refused } = useSession();
  const signedIn = token !== null;
  const [started, setStarted] = useState(signedIn);
  if (signedIn && !started) setStarted(true);
  if (!signedIn && !refused && started) setStarted(false);
  return (
    <>
      <Header path={path} signedIn={signedIn} />
      <main inert={!signedIn}>{started && children}</main>
      {!signedIn && <SignIn />}
    </>
  );
}

function Header({ path, signedIn }: { path: Path; signedIn: boolean }) {
  return (
    <header>
      <h1>POMS</h1>
      <nav aria-label="Pages">
        {PAGES.map((page) => (
          <a
            key={page.path}
            href={page.path}
            aria-current={page.path === path ? "page" : undefined}
          >
            {page.name}
          </a>
        ))}
      </nav>
      {signedIn && (
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      )}
    </header>
  );
}
