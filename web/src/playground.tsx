import { lazy, Suspense } from "react";
import { show } from "./frame";

// The editor is most of the playground's weight: nobody waits for it to sign in.
const Editor = lazy(() => import("./editor"));

show(
  "/graphql",
  <Suspense fallback={<p className="empty">Opening the playground…</p>}>
    <Editor />
  </Suspense>,
);
