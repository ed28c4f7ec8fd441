/** One stage in the picture, with its counters. */
import { BOX } from "./layout";
import type { Portion } from "./parts";
import type { Stage } from "./picture";
import { accountPortions, inputsInWords, jobPortions, type StageProgress } from "./progress";
import { toCampaign } from "./route";
import { brief, percent, plain, toneOf, type Tone } from "./words";

const PAD = 12;
const INNER = BOX.width - 2 * PAD;
const LONGEST_NAME = { alone: 26, besideKind: 19 } as const;
const MOST_STATES = 3;

interface Props {
  readonly campaign: string;
  readonly stage: Stage;
  readonly progress: StageProgress | undefined;
  readonly selected: boolean;
}

export function StageBox({ campaign, stage, progress, selected }: Props) {
  const kind = stage.kind === "REGULAR" ? "" : plain(stage.kind);
  const most = kind ? LONGEST_NAME.besideKind : LONGEST_NAME.alone;
  const name = stage.name.length > most ? `${stage.name.slice(0, most - 1)}…` : stage.name;
  return (
    <a
      href={toCampaign(campaign, stage.id)}
      className={selected ? "stage selected" : "stage"}
      aria-label={spoken(stage, progress)}
      aria-current={selected ? "true" : undefined}
    >
      <title>{stage.name}</title>
      <rect className="box" width={BOX.width} height={BOX.height} rx="8" />
      <text x={PAD} y={22} className="name">
        {name}
      </text>
      <text x={BOX.width - PAD} y={22} textAnchor="end" className="faint">
        {kind}
      </text>
      {progress ? <Counters of={progress} /> : <Waits />}
    </a>
  );
}

function Waits() {
  return (
    <text x={PAD} y={52} className="faint">
      waiting for its counters…
    </text>
  );
}

function Counters({ of }: { of: StageProgress }) {
  const { account } = of;
  return (
    <>
      <Strip y={32} height={9} portions={jobPortions(of)} />
      <Row
        y={58}
        left={`${brief(of.jobsSucceeded)} of ${brief(of.jobsTotal)} jobs ok`}
        right={jobsLeft(of)}
      />
      <Fault y={74} text={jobsWrong(of)} />
      <Strip y={82} height={5} portions={accountPortions(account)} />
      <Row
        y={103}
        left={account.given ? `${brief(account.done.count)} of ${brief(account.given)} inputs done` : "no inputs yet"}
        right={account.given ? inputsLeft(of) : ""}
      />
      <Row y={121} left={`outputs: ${brief(of.outputsLocated)} located`} right={missing(of)} />
      <Row
        y={139}
        left={`${brief(of.eventsLocated)} events`}
        right={`CPU ${percent(of.cpuEfficiency)}`}
      />
      <line x1={PAD} x2={BOX.width - PAD} y1={149} y2={149} className="rule" />
      <States of={of} />
    </>
  );
}

function Row({ y, left, right }: { y: number; left: string; right: string }) {
  return (
    <>
      <text x={PAD} y={y}>
        {left}
      </text>
      <text x={BOX.width - PAD} y={y} textAnchor="end" className="faint">
        {right}
      </text>
    </>
  );
}

function Fault({ y, text }: { y: number; text: string }) {
  return (
    <text x={PAD} y={y} className={text ? "wrong" : "faint"}>
      {text || "none failed, none held"}
    </text>
  );
}

function Strip({
  y,
  height,
  portions,
}: {
  y: number;
  height: number;
  portions: readonly Portion[];
}) {
  const total = portions.reduce((sum, portion) => sum + portion.count, 0);
  let x = PAD;
  return (
    <g>
      <title>{portions.map((portion) => `${portion.count} ${portion.name}`).join(", ")}</title>
      <rect x={PAD} y={y} width={INNER} height={height} className="track" rx="2" />
      {total > 0 &&
        portions.map((portion) => {
          const width = (INNER * portion.count) / total;
          const at = x;
          x += width;
          return (
            <rect
              key={portion.name}
              x={at}
              y={y}
              width={width}
              height={height}
              className={portion.tone}
            />
          );
        })}
    </g>
  );
}

function States({ of }: { of: StageProgress }) {
  const counts = [...of.submissions].sort((a, b) => b.count - a.count);
  const shown = counts.slice(0, MOST_STATES);
  if (shown.length === 0)
    return (
      <text x={PAD} y={170} className="faint">
        no submissions yet
      </text>
    );
  return (
    <text x={PAD} y={170}>
      <title>{counts.map((each) => `${each.count} ${plain(each.state)}`).join(", ")}</title>
      {shown.map((each) => (
        <Tally
          key={each.state}
          tone={toneOf(each.state)}
          text={`${brief(each.count)} ${plain(each.state)}`}
        />
      ))}
      {counts.length > MOST_STATES && (
        <tspan className="faint">+{counts.length - MOST_STATES}</tspan>
      )}
    </text>
  );
}

function Tally({ tone, text }: { tone: Tone; text: string }) {
  return (
    <>
      <tspan className={tone}>● </tspan>
      <tspan>{text} </tspan>
    </>
  );
}

function jobsLeft(of: StageProgress): string {
  return `${brief(of.jobsRunning)} running, ${brief(of.jobsIdle)} idle`;
}

function jobsWrong(of: StageProgress): string {
  const wrong: readonly (readonly [number, string])[] = [
    [of.jobsFailed, "failed"],
    [of.jobsHeld, "held"],
    [of.jobsRemoved, "removed"],
    [of.jobsUnknown, "unknown"],
  ];
  return wrong
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${brief(number)} ${word}`)
    .join(" · ");
}

function inputsLeft({ account }: StageProgress): string {
  const owed = account.owed.count > 0 ? `, ${brief(account.owed.count)} owed` : "";
  return `${brief(account.lost.count)} lost${owed}`;
}

function missing(of: StageProgress): string {
  const lost = of.outputsLost > 0 ? `, ${brief(of.outputsLost)} lost` : "";
  return `${brief(of.outputsDeclared)} missing${lost}`;
}

function spoken(stage: Stage, of: StageProgress | undefined): string {
  if (!of) return `Stage ${stage.name}`;
  return [
    `Stage ${stage.name}: ${inputsInWords(of.account)}`,
    `${of.jobsSucceeded} of ${of.jobsTotal} jobs succeeded`,
    jobsLeft(of),
    jobsWrong(of),
    `${of.outputsLocated} outputs located, ${missing(of)}`,
  ]
    .filter(Boolean)
    .join("; ");
}
