import { parse, specifiedRules, NoUnusedFragmentsRule, validate } from "graphql";
import { expect, test, vi } from "vitest";
import { schema } from "./poms";

const documents = vi.hoisted((): string[] => []);

vi.mock("../src/graphql", () => ({
  graphql(text: string) {
    documents.push(text);
    return text;
  },
}));

const modules = import.meta.glob(["../src/*.{ts,tsx}", "!../src/{dashboard,editor,playground}.tsx"]);
const sources = import.meta.glob<string>("../src/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});

function faults(text: string): string[] {
  return validate(schema, parse(text)).map((error) => `${error.message}\n${text}`);
}

test("each document asks for what the schema has", async () => {
  await Promise.all(Object.values(modules).map((load) => load()));
  expect(documents.length).toBeGreaterThan(30);
  expect(documents.flatMap(faults)).toEqual([]);
});

test("no document is declared otherwise", () => {
  const bare = /(?<!graphql\()`\s*(query|mutation|subscription)\b/g;
  const found = Object.entries(sources).flatMap(([name, text]) =>
    [...text.matchAll(bare)].map((match) => `${name}: ${text.slice(match.index).split("\n")[0]}`),
  );
  // It has as many fields as there are campaigns: see the next test.
  expect(found).toEqual([expect.stringMatching(/campaigns\.tsx: `query Sums/)]);
});

test("the sums of campaigns ask for what the schema has", async () => {
  const { sumsOf } = await import("../src/campaigns");
  expect(faults(sumsOf(3))).toEqual([]);
});

test("the playground's first tabs ask for what the schema has", async () => {
  const { examples } = await import("../src/examples");
  const rules = specifiedRules.filter((rule) => rule !== NoUnusedFragmentsRule);
  const wrong = examples.flatMap(({ query }) => validate(schema, parse(query), rules));
  expect(wrong.map((error) => error.message)).toEqual([]);
});
