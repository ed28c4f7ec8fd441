/** Tokens for scripts: those of an experiment, and the form that makes one. */
import { useState, type FormEvent } from "react";
import { Reason } from "./actions";
import { graphql, type Answered } from "./graphql";
import { Pager, Problem, usePaging, When } from "./parts";
import { useQuestion } from "./question";
import { ask, carry, messageOf } from "./wire";
import { plain } from "./words";

const PAGE = 20;

const MINE = graphql(`query MyExperiments { viewer { memberships { experiment { name } } } }`);

const TOKENS = graphql(`query ServiceTokens($experiment: String!, $first: Int!, $after: String) {
  serviceTokens(experiment: $experiment, first: $first, after: $after) {
    nodes { id name scopes owner { username } expiresAt lastUsedAt revokedAt }
    pageInfo { hasNextPage endCursor }
  }
}`);
const CREATE = graphql(`mutation CreateServiceToken($input: CreateServiceTokenInput!) {
  result: createServiceToken(input: $input) {
    __typename ... on ServiceTokenCreated { token } ... on Problem { message }
  }
}`);
const REVOKE = graphql(`mutation RevokeServiceToken($id: ID!, $reason: String!) {
  result: revokeServiceToken(id: $id, reason: $reason) { __typename ... on Problem { message } }
}`);

type Token = NonNullable<Answered<typeof TOKENS>["serviceTokens"]>["nodes"][number];
const SCOPES = ["READ", "LAUNCH", "OPERATE", "REPORT"] as const;

export function ServiceTokens() {
  const [open, setOpen] = useState(false);
  return (
    <section className="page" aria-label="Tokens for scripts">
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        Tokens for scripts
      </button>
      {open && <OfMyExperiments />}
    </section>
  );
}

function OfMyExperiments() {
  const found = useQuestion(MINE, {}, 0);
  const names = found.last?.viewer.memberships.map((each) => each.experiment.name) ?? [];
  const [chosen, setChosen] = useState("");
  const experiment = chosen || names[0];
  return (
    <>
      <Problem text={found.problem} />
      {experiment !== undefined && (
        <>
          <label>
            Experiment{" "}
            <select value={experiment} onChange={(event) => setChosen(event.target.value)}>
              {names.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <TokensOf key={experiment} experiment={experiment} />
        </>
      )}
    </>
  );
}

export function TokensOf({ experiment }: { experiment: string }) {
  const [version, setVersion] = useState(0);
  const paging = usePaging(experiment);
  const variables = { experiment, first: PAGE, after: paging.after };
  const found = useQuestion(TOKENS, variables, version);
  const tokens = found.last?.serviceTokens;
  const changed = () => setVersion((before) => before + 1);
  return (
    <>
      <NewToken experiment={experiment} made={changed} />
      <Problem text={found.problem} />
      <table>
        <thead>
          <tr>
            {["name", "owner", "for", "until", "used", ""].map((head) => (
              <th key={head}>{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tokens?.nodes.map((token) => (
            <Row key={token.id} token={token} changed={changed} />
          ))}
        </tbody>
      </table>
      <Pager paging={paging} info={tokens?.pageInfo} />
    </>
  );
}

function Row({ token, changed }: { token: Token; changed: () => void }) {
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState("");

  async function revoke(reason: string): Promise<void> {
    const refused = await carry(REVOKE, { id: token.id, reason });
    setProblem(refused);
    if (!refused) changed();
  }

  return (
    <tr>
      <td>{token.name}</td>
      <td>{token.owner.username}</td>
      <td>{token.scopes.map(plain).join(", ")}</td>
      <td>
        <When at={token.expiresAt} />
      </td>
      <td>{token.lastUsedAt === null ? "never" : <When at={token.lastUsedAt} />}</td>
      <td>
        {token.revokedAt !== null ? (
          "revoked"
        ) : (
          <button type="button" aria-expanded={asking} onClick={() => setAsking(!asking)}>
            Revoke
          </button>
        )}
        {asking && token.revokedAt === null && (
          <Reason name="Revoke" effect="Scripts with it are let in no more." ask={revoke} />
        )}
        <Problem text={problem} />
      </td>
    </tr>
  );
}

function NewToken({ experiment, made }: { experiment: string; made: () => void }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState("");

  async function create(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const scopes = SCOPES.filter((scope) => form.get(scope) !== null);
    const input = { experiment, scopes, name: String(form.get("name")), days: Number(form.get("days")) };
    const { data, errors } = await ask({ query: CREATE, variables: { input } });
    setProblem(errors?.[0]?.message ?? messageOf(data?.result));
    setToken((data?.result.__typename === "ServiceTokenCreated" && data.result.token) || "");
    made();
  }

  return (
    <form onSubmit={(event) => void create(event)}>
      <label>
        Name <input name="name" required maxLength={100} />
      </label>{" "}
      {SCOPES.map((scope) => (
        <label key={scope}>
          <input type="checkbox" name={scope} defaultChecked={scope === "READ"} /> {plain(scope)}
        </label>
      ))}{" "}
      <label>
        Days <input name="days" type="number" min={1} max={366} defaultValue={90} />
      </label>{" "}
      <button type="submit">Make a token</button>
      <Problem text={problem} />
      {token && (
        <p role="status">
          It is shown this once: <code>{token}</code>
        </p>
      )}
    </form>
  );
}
