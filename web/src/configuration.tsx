/** Exactly what a submission ran with, as it was written down when it was launched. */
import { graphql } from "./graphql";
import { Figure, Problem } from "./parts";
import { useQuestion } from "./question";
import { commandLine } from "./words";

const CONFIGURATION = graphql(`query Configuration($id: ID!) { submission(id: $id) { configuration } }`);

type Json = Record<string, unknown>;

export function Configuration({ submission }: { submission: string }) {
  const found = useQuestion(CONFIGURATION, { id: submission });
  const given = found.data?.submission?.configuration;
  return (
    <>
      <Problem text={found.problem} />
      {given && <Shown given={given} />}
    </>
  );
}

const APART = new Set(["command", "resources", "environment"]);
const COMMANDS = new Set(["output_check"]);

function Shown({ given }: { given: Json }) {
  const rest = Object.entries(given).filter(([name]) => !APART.has(name));
  return (
    <>
      <pre className="command">{line(given["command"])}</pre>
      <dl className="figures">
        {Object.entries(object(given["resources"])).map(([name, value]) => (
          <Figure key={name} name={name.replaceAll("_", " ")}>
            {text(value)}
          </Figure>
        ))}
        {rest.map(([name, value]) => (
          <Figure key={name} name={name.replaceAll("_", " ")}>
            {COMMANDS.has(name) ? line(value) : text(value)}
          </Figure>
        ))}
        {Object.entries(object(given["environment"])).map(([name, value]) => (
          <Figure key={name} name={`$${name}`}>
            {text(value)}
          </Figure>
        ))}
      </dl>
      <details>
        <summary>As JSON</summary>
        <pre>{JSON.stringify(given, null, 2)}</pre>
      </details>
    </>
  );
}

function line(command: unknown): string {
  return Array.isArray(command) ? commandLine(command.map(String)) || "–" : text(command);
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function text(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.length > 0 ? value.map(text).join(", ") : "–";
  if (typeof value !== "object") return String(value);
  const parts = Object.entries(value).filter(([, each]) => !Array.isArray(each) || each.length > 0);
  return parts.map(([name, each]) => `${name} ${text(each)}`).join(", ") || "–";
}
