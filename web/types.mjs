// Writes the schema as a type, from which the types of the pages' documents are inferred (src/graphql.ts).
// gql.tada's own command does the same, but needs the API of TypeScript 5 or 6.
import { readFileSync, writeFileSync } from "node:fs";
import { minifyIntrospection, outputIntrospectionFile } from "@gql.tada/internal";
import { buildSchema, introspectionFromSchema } from "graphql";

const schema = buildSchema(readFileSync("../schema/schema.graphql", "utf8"));
const introspection = minifyIntrospection(introspectionFromSchema(schema, { descriptions: false }));
const options = { fileType: ".d.ts", shouldPreprocess: true };
writeFileSync("src/graphql-env.d.ts", outputIntrospectionFile(introspection, options));
