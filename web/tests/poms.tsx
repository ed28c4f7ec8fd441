/** POMS as the pages see it: documents are executed on the schema's own text, with the values that a test gives. */
import { cleanup, configure } from "@testing-library/react";
import {
  buildSchema,
  defaultFieldResolver,
  graphql,
  isEnumType,
  isListType,
  isNonNullType,
  isScalarType,
  type ExecutionResult,
  type GraphQLOutputType,
} from "graphql";
import { afterEach, vi } from "vitest";
import sdl from "../../schema/schema.graphql?raw";
import type { Operation, Watcher } from "../src/wire";

// How long a view is waited for: beside other work a second is not enough.
configure({ asyncUtilTimeout: 30_000 });

export const schema = buildSchema(sdl);

const BLANKS: Record<string, unknown> = {
  BigInt: 0,
  Boolean: false,
  DateTime: "2026-01-31T12:00:00Z",
  Float: 0,
  Int: 0,
  JSON: {},
};

export type Root = Record<string, unknown>;

/** The fields of queries, mutations and subscriptions; what is asked of them and not given is blank. */
async function execute(operation: Operation, root: Root): Promise<ExecutionResult> {
  return graphql({
    schema,
    source: operation.query,
    variableValues: operation.variables as Record<string, unknown>,
    rootValue: root,
    fieldResolver: (source, given, context, info) =>
      defaultFieldResolver(source, given, context, info) ?? blank(info.returnType),
  });
}

function blank(type: GraphQLOutputType): unknown {
  if (!isNonNullType(type)) return null;
  const inner = type.ofType;
  if (isListType(inner)) return [];
  if (isEnumType(inner)) return inner.getValues()[0]?.value;
  return isScalarType(inner) ? (BLANKS[inner.name] ?? "") : {};
}

/** Answer what is asked over HTTP. */
export function answer(root: Root): void {
  vi.stubGlobal("fetch", async (_: string, { body }: { body: string }) =>
    Response.json(await execute(JSON.parse(body), root)),
  );
}

/** Answer subscriptions, once each: in place of `watch` of `wire.ts`. */
export function tell(root: Root) {
  return (operation: Operation, watcher: Watcher<unknown>) => {
    void execute(operation, root).then((result) => watcher.next(result as never));
    return () => {};
  };
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
