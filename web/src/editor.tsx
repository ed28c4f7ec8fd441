import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import { explorerPlugin } from "@graphiql/plugin-explorer";
import type { Fetcher, Observable } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { getOperationAST, type ExecutionResult } from "graphql";
import { useMemo, useState } from "react";
import { examples } from "./examples";
import { useSession } from "./session";
import { ask, watch, type Operation } from "./wire";

const plugins = [HISTORY_PLUGIN, explorerPlugin()];
const tabs = [...examples];

/** GraphiQL on POMS. The next token makes a new fetcher, with which it reads the schema again. */
export default function Editor() {
  const { token } = useSession();
  const [reader, setReader] = useState(token);
  if (token !== null && token !== reader) setReader(token);
  const fetcher = useMemo(newFetcher, [reader]);
  return (
    <GraphiQL fetcher={fetcher} plugins={plugins} defaultTabs={tabs}>
      <GraphiQL.Logo>{null}</GraphiQL.Logo>
    </GraphiQL>
  );
}

function newFetcher(): Fetcher {
  return (operation, options) => {
    const document = options?.documentAST;
    const kind = document && getOperationAST(document, operation.operationName)?.operation;
    if (kind === "subscription") return observed(operation);
    return ask(operation, options?.headers) as Promise<ExecutionResult>;
  };
}

interface Sink {
  next(result: ExecutionResult): void;
  error(problem: { message: string }): void;
  complete(): void;
}

// GraphiQL subscribes with one sink; the type also has a form with three functions, never used.
function observed(operation: Operation): Observable<ExecutionResult> {
  const subscribe = (sink: Sink) => ({
    unsubscribe: watch(operation, {
      next: (answer) => sink.next(answer as ExecutionResult),
      lost: (message) => sink.error({ message }),
      over: () => sink.complete(),
    }),
  });
  return { subscribe } as Observable<ExecutionResult>;
}
