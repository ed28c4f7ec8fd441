/** Outputs that jobs say they made, and that nobody has seen. */
import { graphql } from "./graphql";
import { Pager, Problem, usePaging, When } from "./parts";
import { useQuestion } from "./question";
import { keyOf, plain } from "./words";

const PAGE = 25;

const OUTPUTS = graphql(`query Missing($id: ID!, $first: Int!, $after: String) {
  submission(id: $id) {
    outputs(states: [DECLARED, LOST, REFUSED], first: $first, after: $after) {
      nodes { jobId attempt name path state missing declaredAt }
      pageInfo { hasNextPage endCursor }
    }
  }
}`);

export function Outputs({ submission, version }: { submission: string; version: unknown }) {
  const paging = usePaging(submission);
  const found = useQuestion(
    OUTPUTS,
    { id: submission, first: PAGE, after: paging.after },
    version,
  );
  const outputs = found.last?.submission?.outputs;
  return (
    <>
      <Problem text={found.problem} />
      {outputs?.nodes.length === 0 && (
        <p className="faint">None: all that jobs declared was seen.</p>
      )}
      {outputs && outputs.nodes.length > 0 && (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>State</th>
                <th>What was found instead</th>
                <th>Job</th>
                <th>Declared</th>
              </tr>
            </thead>
            <tbody>
              {outputs.nodes.map((output) => (
                <tr key={`${output.jobId} ${output.attempt} ${output.name}`}>
                  <th scope="row" title={output.path}>
                    {output.name}
                  </th>
                  <td>{plain(output.state)}</td>
                  <td>{output.missing ?? "not looked at yet"}</td>
                  <td>{keyOf(output.jobId)}</td>
                  <td>
                    <When at={output.declaredAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Pager paging={paging} info={outputs?.pageInfo} />
    </>
  );
}
