/** How the batch systems are: a row for each. */
import { graphql, type Answered } from "./graphql";
import { useHouseNews } from "./heartbeat";
import { Problem, When } from "./parts";
import { useQuestion, useTicks } from "./question";
import { count, duration } from "./words";

const LOOK_EVERY = 5_000;
const LATE_S = 30; // as the service itself calls a feed late

const SYSTEMS = graphql(`query BatchSystems {
  batchSystems { name reachable since text slots running queued readerLagS lastEventAt watchedBy
    pause { at reason by { username } } circuit { openSince reason } }
}`);

type System = Answered<typeof SYSTEMS>["batchSystems"][number];

export function BatchSystems() {
  const ticks = useTicks(LOOK_EVERY);
  const news = useHouseNews();
  const found = useQuestion(SYSTEMS, {}, `${ticks} ${news}`);
  const systems = found.last?.batchSystems ?? [];
  if (systems.length === 0) return <Problem text={found.problem} />;
  return (
    <section className="page systems" aria-label="Batch systems">
      <Problem text={found.problem} />
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>Batch system</th>
              <th>State</th>
              <th className="number">Running</th>
              <th className="number">Queued</th>
              <th className="number">Slots</th>
              <th className="number extra">Read</th>
              <th className="extra">Last event</th>
              <th className="most">It says</th>
            </tr>
          </thead>
          <tbody>
            {systems.map((system) => (
              <Row key={system.name} system={system} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ system }: { system: System }) {
  return (
    <tr>
      <th scope="row">{system.name}</th>
      <td>
        <State system={system} />
      </td>
      <td className="number">{count(system.running)}</td>
      <td className="number">{count(system.queued)}</td>
      <td className="number">{count(system.slots)}</td>
      <td className="number extra" title={`watched by ${system.watchedBy ?? "nobody"}`}>
        <Lag seconds={system.readerLagS} />
      </td>
      <td className="extra">
        <When at={system.lastEventAt} />
      </td>
      <td className="reason">
        <Kept system={system} /> {system.text}
      </td>
    </tr>
  );
}

function State({ system }: { system: System }) {
  if (system.reachable) return <span className="badge ok">reachable</span>;
  return (
    <>
      <span className="badge bad">unreachable</span>
      since <When at={system.since} />
    </>
  );
}

/** Why nothing is launched there, if so. */
function Kept({ system: { pause, circuit } }: { system: System }) {
  return (
    <>
      {pause && (
        <span className="wrong">
          paused by {pause.by.username} since <When at={pause.at} />: {pause.reason}.
        </span>
      )}
      {circuit && (
        <span className="wrong">
          nothing is launched since <When at={circuit.openSince} />: {circuit.reason}.
        </span>
      )}
    </>
  );
}

function Lag({ seconds }: { seconds: number | null }) {
  if (seconds === null) return <span className="wrong">never</span>;
  return <span className={seconds > LATE_S ? "wrong" : ""}>{duration(seconds)} ago</span>;
}
