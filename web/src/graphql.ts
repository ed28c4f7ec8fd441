/**
 * GraphQL documents that know their types.
 *
 * The types are inferred from the text of a document and from `graphql-env.d.ts`, which `npm run types` writes from
 * the schema. At run time a document is its text, and nothing else.
 */
import type { initGraphQLTada, ResultOf, VariablesOf } from "gql.tada";
import type { introspection } from "./graphql-env";

interface Setup {
  introspection: introspection;
  disableMasking: true;
  scalars: {
    BigInt: number;
    DateTime: string;
    JSON: Record<string, unknown>;
  };
}

declare const infer: initGraphQLTada<Setup>;
declare const types: unique symbol;

// Never called: only so its result's type has a name.
const parsed = <const Text extends string>(text: Text) => infer(text, []);
type Parsed<Text extends string> = ReturnType<typeof parsed<Text>>;

/** An operation, with the types of its result and of its variables. */
export type Document<Data, Variables> = string & {
  readonly [types]?: (variables: Variables) => Data;
};

/** What is answered to these fields of an object type, such as those of a text that several documents share. */
export type Fields<Type extends string, Selection extends string> = ResultOf<
  Parsed<`fragment Fields on ${Type} { ${Selection} }`>
>;

/** What a document is answered. */
export type Answered<Of> = Of extends Document<infer Data, never> ? Data : never;

/** Declare an operation. `tests/documents.test.ts` holds it against the schema. */
export function graphql<const Text extends string>(
  text: Text,
): Document<ResultOf<Parsed<Text>>, VariablesOf<Parsed<Text>>> {
  return text;
}
