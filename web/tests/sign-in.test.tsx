import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import { TokensOf } from "../src/service-tokens";
import { current, refuse, signIn, signOut } from "../src/session";
import { SignIn } from "../src/sign-in";
import { ask } from "../src/wire";
import { answer, schema } from "./poms";

const LAB = { issuers: [{ name: "lab", title: "The lab" }], username: null as string | null };

/** The service as it is asked: what was asked, and of whom it says that they are signed in. */
function serve(told: typeof LAB, status = 200): [string, RequestInit | undefined][] {
  const asked: [string, RequestInit | undefined][] = [];
  vi.stubGlobal("fetch", async (url: string, more?: RequestInit) => {
    asked.push([url, more]);
    if (url === "/sign-out") told.username = null;
    return url === "/graphql" ? new Response("{}", { status }) : Response.json(told);
  });
  return asked;
}

beforeEach(() => {
  serve({ ...LAB });
  signIn("token");
  signOut();
});

test("who has no token is led to the issuer, and can paste one still", async () => {
  render(<SignIn />);
  const link = await screen.findByRole("link", { name: "Sign in with The lab" });
  expect(link.getAttribute("href")).toBe("/sign-in?issuer=lab");
  expect(screen.getByLabelText("Token")).toBeTruthy();
});

test("who has a session goes on with it, without a token, and ends it by signing out", async () => {
  const asked = serve({ ...LAB, username: "anna" });
  render(<SignIn />);
  await waitFor(() => expect(current().token).toBe(""));
  expect(sessionStorage.getItem("poms.token")).toBeNull();
  await ask({ query: "{ viewer { isAdmin } }" as never });
  expect(new Headers(asked.at(-1)![1]?.headers).get("authorization")).toBeNull();
  signOut();
  await waitFor(() => expect(current().token).toBeNull());
  expect(asked.at(-1)).toEqual(["/sign-out", { method: "POST" }]);
});

test("a session that the service refuses is not tried again by itself", async () => {
  const asked = serve({ ...LAB, username: "anna" }, 401);
  const first = render(<SignIn />);
  await waitFor(() => expect(current().token).toBe(""));
  first.unmount();
  await ask({ query: "{ viewer { isAdmin } }" as never });
  expect(current()).toEqual({ token: null, refused: true });
  render(<SignIn />);
  await screen.findByRole("link", { name: "Sign in with The lab" });
  expect(current().token).toBeNull();
  refuse("another");
  expect(asked.filter(([url]) => url === "/graphql")).toHaveLength(1);
});

test("a token for scripts is shown when it is made, and revoked with a reason", async () => {
  const given: unknown[] = [];
  const token = { id: "service_token:1", name: "nightly", scopes: ["LAUNCH"], owner: { username: "anna" } };
  const typed = (type: string, fields: object) => ({ __typename: type, ...fields });
  // Unions are told apart by what they are called.
  expect(schema.getType("ServiceTokenCreated")).toBeTruthy();
  answer({
    serviceTokens: { nodes: [token], pageInfo: {} },
    createServiceToken: ({ input }: { input: unknown }) => {
      given.push(input);
      return typed("ServiceTokenCreated", { token: "poms_secret" });
    },
    revokeServiceToken: (asked: { id: string; reason: string }) => {
      given.push(asked);
      return typed("ServiceTokenRevoked", {});
    },
  });
  render(<TokensOf experiment="hypot" />);
  fireEvent.change(await screen.findByLabelText("Name"), { target: { value: "nightly" } });
  fireEvent.click(screen.getByLabelText("launch"));
  fireEvent.click(screen.getByRole("button", { name: "Make a token" }));
  expect(await screen.findByText("poms_secret")).toBeTruthy();
  expect(given[0]).toEqual({ experiment: "hypot", name: "nightly", scopes: ["READ", "LAUNCH"], days: 90 });
  fireEvent.click(await screen.findByRole("button", { name: "Revoke" }));
  fireEvent.change(await screen.findByLabelText(/Why/), { target: { value: "lost" } });
  fireEvent.click(screen.getByRole("button", { name: "Revoke it" }));
  await waitFor(() => expect(given[1]).toMatchObject({ id: "service_token:1", reason: "lost" }));
});
