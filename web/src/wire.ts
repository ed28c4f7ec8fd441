/** How the pages talk to POMS, at /graphql: questions over HTTP, subscriptions over one socket. */
import { createClient, TerminatedCloseEvent, type SubscribePayload } from "graphql-ws";
import type { FormattedExecutionResult } from "graphql";
import type { Document } from "./graphql";
import { current, onChange, refuse } from "./session";

export interface Operation<Data = Record<string, unknown>, Variables = object> {
  readonly query: Document<Data, Variables>;
  readonly operationName?: string | null;
  readonly variables?: Variables;
}

export type Answer<Data = Record<string, unknown>> = FormattedExecutionResult<Data>;

export interface Watcher<Data> {
  next(answer: Answer<Data>): void;
  /** The connection broke: watch again, after the last cursor that was seen. */
  lost(reason: string): void;
  /** There is nothing more to come. */
  over(): void;
}

const ENDPOINT = "/graphql";
const NOT_SIGNED_IN = 401;
const SOCKET_FORBIDDEN = 4403;
const PING_EVERY = 15_000;
const PONG_WITHIN = 5_000;

/** Ask once. A question that got no answer resolves too, with the reason as its error. */
export async function ask<Data = Record<string, unknown>, Variables = object>(
  operation: Operation<Data, Variables>,
  extraHeaders: Record<string, string> = {},
): Promise<Answer<Data>> {
  try {
    return await post(operation, extraHeaders);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    return { ...failed<Data>(`POMS can't be reached: ${reason}`), extensions: { unreached: true } };
  }
}

/** Carry out a mutation that calls its field `result`; the answer is why not, or nothing. */
export async function carry<Variables>(
  query: Document<{ result: object }, Variables>,
  variables: Variables,
): Promise<string> {
  const answer = await ask({ query, variables });
  return answer.errors?.[0]?.message ?? messageOf(answer.data?.result);
}

/** What a result says that is a problem; nothing of any other. */
export function messageOf(result: object | null | undefined): string {
  return result && "message" in result ? String(result.message) : "";
}

async function post<Data, Variables>(
  operation: Operation<Data, Variables>,
  extraHeaders: Record<string, string>,
): Promise<Answer<Data>> {
  const { token } = current();
  const headers = headersFor(token, extraHeaders);
  const response = await fetch(ENDPOINT, {
    method: "POST",
    headers,
    body: JSON.stringify(operation),
  });
  const ours =
    token !== null && headers.get("authorization") === (token === "" ? null : `Bearer ${token}`);
  if (response.status === NOT_SIGNED_IN && ours) refuse(token);
  return answerIn<Data>(response);
}

function headersFor(token: string | null, extra: Record<string, string>): Headers {
  const headers = new Headers({
    accept: "application/graphql-response+json, application/json;q=0.9",
    "content-type": "application/json",
  });
  if (token) headers.set("authorization", `Bearer ${token}`);
  for (const [name, value] of Object.entries(extra)) headers.set(name, value);
  return headers;
}

async function answerIn<Data>(response: Response): Promise<Answer<Data>> {
  if (response.headers.get("content-type")?.includes("json")) {
    const answer: unknown = await response.json();
    if (isAnswer<Data>(answer)) return answer;
  }
  if (response.status === NOT_SIGNED_IN) return failed("Not signed in.");
  return failed(`POMS answered ${response.status} ${response.statusText}, without a result.`);
}

function isAnswer<Data>(value: unknown): value is Answer<Data> {
  return typeof value === "object" && value !== null && ("data" in value || "errors" in value);
}

function failed<Data>(message: string): Answer<Data> {
  return { errors: [{ message }] };
}

/**
 * Watch a subscription until it is over, lost, or stopped by calling the returned function;
 * after that nothing more is told.
 *
 * A lost connection is not mended here: only the caller knows the cursor to go on from.
 */
export function watch<Data = Record<string, unknown>, Variables = object>(
  operation: Operation<Data, Variables>,
  watcher: Watcher<Data>,
): () => void {
  let watching = true;
  const release = socket.subscribe<Data>(operation as SubscribePayload, {
    next: (answer) => {
      if (watching) watcher.next(answer as Answer<Data>);
    },
    error: (error) => {
      const told = watching;
      stop(); // until it is released, even a failed one keeps the next socket open
      if (told) fail(watcher, error);
    },
    complete: () => {
      if (watching) watcher.over();
      watching = false;
    },
  });
  function stop(): void {
    watching = false;
    release();
  }
  return stop;
}

function fail<Data>(watcher: Watcher<Data>, error: unknown): void {
  if (!Array.isArray(error)) return watcher.lost(reasonOf(error));
  watcher.next({ errors: error });
  watcher.over();
}

function reasonOf(error: unknown): string {
  if (error instanceof CloseEvent)
    return `The connection to POMS was closed: ${error.reason || "no reason given"} (${error.code}).`;
  if (error instanceof TerminatedCloseEvent)
    return "The connection to POMS was given up: it had gone silent, or the token had changed.";
  return error instanceof Error ? error.message : "POMS can't be reached.";
}

const socket = createClient({
  url: ENDPOINT,
  retryAttempts: 0,
  keepAlive: PING_EVERY,
  connectionParams: () => {
    const { token } = current();
    tokenOfSocket = token;
    return !token ? {} : { authorization: `Bearer ${token}` };
  },
  on: { ping: expectPong, pong: pongCame, closed: socketClosed },
});

let tokenOfSocket: string | null = null;
let overdue: ReturnType<typeof setTimeout> | undefined;

function expectPong(received: boolean): void {
  if (!received) overdue = setTimeout(() => socket.terminate(), PONG_WITHIN);
}

function pongCame(received: boolean): void {
  if (received) clearTimeout(overdue);
}

function socketClosed(event: unknown): void {
  clearTimeout(overdue);
  const forbidden = event instanceof CloseEvent && event.code === SOCKET_FORBIDDEN;
  const token = tokenOfSocket;
  // Watchers hear of this close first: refusing terminates the socket, which is a lesser reason.
  if (forbidden && token !== null) queueMicrotask(() => refuse(token));
}

// A socket belongs to who opened it: somebody else starts with a new one.
onChange(() => socket.terminate());
