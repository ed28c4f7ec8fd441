/** The picture of a campaign: its stages as boxes with live counters, and what launches what. */
import { useId, useMemo } from "react";
import { draw, line, type Edge, type Place } from "./layout";
import type { StageProgress } from "./progress";
import { StageBox } from "./stage-box";

export interface Stage {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
}

interface Props {
  readonly campaign: string;
  readonly stages: readonly Stage[];
  readonly edges: readonly Edge[];
  readonly progress: ReadonlyMap<string, StageProgress>;
  readonly selected: string | null;
}

const LONGEST_LABEL = 17;

export function Picture({ campaign, stages, edges, progress, selected }: Props) {
  const drawing = useMemo(
    () =>
      draw(
        stages.map((stage) => stage.id),
        edges,
      ),
    [stages, edges],
  );
  const { width, height, places } = drawing;
  return (
    <div className="picture">
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="group"
        aria-label="Stages"
      >
        <Edges edges={edges} places={places} />
        {stages.map((stage) => {
          const place = places.get(stage.id);
          return (
            place && (
              <g key={stage.id} transform={`translate(${place.x} ${place.y})`}>
                <StageBox
                  campaign={campaign}
                  stage={stage}
                  progress={progress.get(stage.id)}
                  selected={stage.id === selected}
                />
              </g>
            )
          );
        })}
      </svg>
    </div>
  );
}

function Edges({ edges, places }: { edges: readonly Edge[]; places: ReadonlyMap<string, Place> }) {
  const head = useId();
  return (
    <g className="edges">
      <defs>
        <marker
          id={head}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          orient="auto"
        >
          <path d="M0,0 L8,4 L0,8 z" />
        </marker>
      </defs>
      {edges.map((edge) => (
        <OneEdge key={`${edge.from} ${edge.to}`} edge={edge} places={places} head={head} />
      ))}
    </g>
  );
}

interface EdgeProps {
  readonly edge: Edge;
  readonly places: ReadonlyMap<string, Place>;
  readonly head: string;
}

function OneEdge({ edge, places, head }: EdgeProps) {
  const [from, to] = [places.get(edge.from), places.get(edge.to)];
  if (!from || !to) return null;
  const { path, label } = line(from, to, places.values());
  const words =
    edge.patterns.length > 0 ? edge.patterns : [from === to ? "next slice" : "all files"];
  return (
    <g>
      <title>{words.join(", ")}</title>
      <path d={path} className="edge" markerEnd={`url(#${head})`} />
      <text x={label.x} y={label.y} textAnchor="middle">
        {shortened(words)}
      </text>
    </g>
  );
}

function shortened(words: readonly string[]): string {
  const first = words[0] ?? "";
  const more = words.length > 1 ? ` +${words.length - 1}` : "";
  const room = LONGEST_LABEL - more.length;
  return (first.length > room ? `${first.slice(0, room - 1)}…` : first) + more;
}
