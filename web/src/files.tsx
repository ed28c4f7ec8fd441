/** Campaign files: down from a campaign, and up to become one. */
import { useState, type ChangeEvent } from "react";
import { graphql, type Answered, type Fields } from "./graphql";
import { Problem } from "./parts";
import { useQuestion } from "./question";
import { toCampaign } from "./route";
import { ask, messageOf } from "./wire";
import { count, plain, several } from "./words";

const EXPERIMENTS = graphql(`query Experiments { experiments(first: 100) { nodes { name } } }`);

export const FINDINGS = "line section key message level";

const EFFECT = `
  name revision draft jobTypes loginSetups changes { stage change fields startsAgain }
  findings { ${FINDINGS} }
` as const;

const IMPORT = graphql(`mutation Import($input: ImportCampaignInput!) {
  importCampaign(input: $input) {
    ... on CampaignImported { campaign { id } effect { ${EFFECT} } }
    ... on CampaignImportPlanned { planned { ${EFFECT} } }
    ... on Problem { message }
    ... on InvalidCampaignFile { findings { ${FINDINGS} } }
  }
}`);

const FILE = graphql(`query File($id: ID!) { campaign(id: $id) { file } }`);

type FileFinding = Fields<"FileFinding", typeof FINDINGS>;
type Effect = Fields<"ImportEffect", typeof EFFECT>;

type Result = Answered<typeof IMPORT>["importCampaign"] | { message: string };

interface Chosen {
  readonly experiment: string;
  readonly fileName: string;
  readonly text: string;
}

/** What is to be said about a file, with its lines. */
export function Findings({ findings }: { findings: readonly FileFinding[] }) {
  if (findings.length === 0) return null;
  return (
    <ul className="asked">
      {findings.map((each) => (
        <li key={`${each.line} ${each.key} ${each.message}`}>
          <span className={`badge ${each.level === "WARNING" ? "held" : "bad"}`}>
            {plain(each.level)}
          </span>
          line {each.line}
          {each.section && `, [${each.section}]`}
          {each.key && ` ${each.key}`}: {each.message}
        </li>
      ))}
    </ul>
  );
}

/** Choose a file, see what it would do, and do it. */
export function Upload() {
  const experiments = useQuestion(EXPERIMENTS, {});
  const names = experiments.data?.experiments.nodes.map((each) => each.name) ?? [];
  const [experiment, setExperiment] = useState("");
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [result, setResult] = useState<Result | null>(null);
  const [busy, setBusy] = useState(false);
  const into = experiment || names[0];

  async function send(file: Chosen, dryRun: boolean) {
    setBusy(true);
    setResult(await carry(file, dryRun));
    setBusy(false);
  }

  async function choose(event: ChangeEvent<HTMLInputElement>) {
    const file = event.target.files?.[0];
    event.target.value = ""; // so that the same file can be chosen again when it was mended
    if (!file || !into) return;
    const read = { experiment: into, fileName: file.name, text: await file.text() };
    setChosen(read);
    await send(read, true);
  }

  return (
    <details className="fold">
      <summary>Import a campaign file</summary>
      <div className="actions">
        <select
          aria-label="Experiment"
          value={into}
          onChange={(event) => setExperiment(event.target.value)}
        >
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <input
          type="file"
          accept=".ini,.cfg,.txt,text/plain"
          aria-label="Campaign file"
          disabled={busy || !into}
          onChange={(event) => void choose(event)}
        />
        {chosen && result && (
          <Outcome
            file={chosen}
            result={result}
            busy={busy}
            send={() => void send(chosen, false)}
          />
        )}
      </div>
    </details>
  );
}

interface OutcomeProps {
  readonly file: Chosen;
  readonly result: Result;
  readonly busy: boolean;
  send(): void;
}

function Outcome({ file, result, busy, send }: OutcomeProps) {
  const planned = "planned" in result ? result.planned : null;
  const campaign = "campaign" in result ? result.campaign : null;
  const effect = planned ?? ("effect" in result ? result.effect : null);
  const findings = "findings" in result ? result.findings : [];
  return (
    <>
      <Problem text={messageOf(result)} />
      {planned && (
        <button type="button" disabled={busy} onClick={send}>
          Import {file.fileName} into {file.experiment}
          {planned.draft ? " as a draft" : ""}
        </button>
      )}
      {campaign && (
        <a href={toCampaign(campaign.id)}>{effect?.name ?? file.fileName} is imported</a>
      )}
      {effect && <Effects effect={effect} />}
      <Findings findings={effect?.findings ?? findings} />
    </>
  );
}

function Effects({ effect }: { effect: Effect }) {
  const changing = effect.changes.filter((each) => each.change !== "UNCHANGED");
  const alike = effect.changes.length - changing.length;
  const made = [
    ...effect.jobTypes.map((name) => `job type ${name}`),
    ...effect.loginSetups.map((name) => `login setup ${name}`),
  ];
  return (
    <ul className="asked">
      <li>
        {effect.name}, revision {count(effect.revision)}
        {effect.draft && ": a draft, which launches nothing until what is said below is mended"}
      </li>
      {made.map((each) => (
        <li key={each}>made: {each}</li>
      ))}
      {changing.map((each) => (
        <li key={each.stage}>
          stage {each.stage}: {plain(each.change)}
          {each.fields.length > 0 && ` (${each.fields.join(", ")})`}
          {each.startsAgain && ", begins its work anew"}
        </li>
      ))}
      {alike > 0 && <li>as they are: {several(alike, "stage")}</li>}
    </ul>
  );
}

/** A button that gives the campaign's file. */
export function Download({ id, name }: { id: string; name: string }) {
  const [problem, setProblem] = useState("");
  async function fetchFile() {
    const answer = await ask({ query: FILE, variables: { id } });
    const text = answer.data?.campaign?.file;
    setProblem(text === undefined ? (answer.errors?.[0]?.message ?? "It is gone.") : "");
    if (text !== undefined) keep(`${name.replaceAll(/[^\w.-]+/g, "_")}.ini`, text);
  }
  return (
    <>
      <button type="button" onClick={() => void fetchFile()}>
        Download .ini
      </button>
      <Problem text={problem} />
    </>
  );
}

/** Let the browser save a text as a file. */
function keep(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

async function carry(file: Chosen, dryRun: boolean): Promise<Result> {
  const answer = await ask({ query: IMPORT, variables: { input: { ...file, dryRun } } });
  return answer.data?.importCampaign ?? { message: answer.errors?.[0]?.message ?? "No answer." };
}
