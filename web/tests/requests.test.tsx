import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { RequestPage } from "../src/request";
import { RequestList } from "../src/requests";
import { signIn } from "../src/session";
import { answer } from "./poms";

const WAITS = { rule: "conveners", isTurn: true, isTest: false, reason: "sam has to agree (rule 'conveners')." };
const REQUEST = {
  id: "request:1",
  name: "nova-142",
  title: "Neutrinos",
  state: "SUBMITTED",
  planHash: "abc",
  mayApprove: true,
  owner: { username: "anna" },
  waitingOn: [WAITS],
  asks: [{ kind: "EVENTS", events: 1000, softwareVersion: "v1" }],
};

beforeEach(() => signIn("token"));

test("who is asked to agree is shown these requests first, and what others wait for", async () => {
  const draft = { ...REQUEST, name: "nova-143", state: "DRAFT", id: "request:2" };
  answer({
    mine: { nodes: [REQUEST] },
    requests: (given: { filter: { waitingOnMe?: boolean } }) => ({
      nodes: given.filter.waitingOnMe ? [REQUEST] : [draft, REQUEST],
      pageInfo: {},
    }),
  });
  render(<RequestList />);
  expect(await screen.findByText("Your agreement is waited for")).toBeTruthy();
  const rows = screen.getAllByRole("row").map((row) => row.textContent);
  expect(rows.filter((row) => row?.startsWith("nova-142") && row.endsWith("conveners"))).toHaveLength(2);
  expect(rows.some((row) => row?.startsWith("nova-143") && row.endsWith("anna"))).toBe(true);
});

test("who agrees agrees to what is shown, and reads why not where that has changed", async () => {
  const agreed: unknown[] = [];
  answer({
    request: REQUEST,
    viewer: { person: { username: "sam" } },
    approveRequest: (given: unknown) => {
      agreed.push(given);
      return { __typename: "RequestChanged", message: "The request is not as you saw it." };
    },
  });
  render(<RequestPage id="request:1" />);
  expect(await screen.findByText("1,000 events with v1")).toBeTruthy();
  expect(screen.getByText(/sam has to agree/)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Agree to it" }));
  await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("not as you saw it"));
  expect(agreed).toMatchObject([{ input: { id: "request:1", planHash: "abc", comment: "" } }]);
});

test("what was agreed to and has changed since says so, and can be taken back by who agreed", async () => {
  const decision = {
    id: "request_decision:1",
    kind: "APPROVE",
    revision: 2,
    changedSince: ["SPLIT"],
    person: { username: "sam" },
  };
  answer({
    request: { ...REQUEST, mayApprove: false, decisions: [decision] },
    viewer: { person: { username: "sam" } },
  });
  render(<RequestPage id="request:1" />);
  expect(await screen.findByText(/sam agreed to revision 2; since then split changed/)).toBeTruthy();
  expect(screen.getByRole("button", { name: "Take back" })).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Agree to it" })).toBeNull();
});

test("a request that is not there says so", async () => {
  answer({ request: null, viewer: { person: { username: "sam" } } });
  render(<RequestPage id="request:9" />);
  expect(await screen.findByText("There is no such request that you can see.")).toBeTruthy();
});
