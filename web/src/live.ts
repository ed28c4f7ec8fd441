/** Subscriptions that come back by themselves. */
import { useEffect, useState } from "react";
import type { Document } from "./graphql";
import { awaits, heard, leaves, lost } from "./pulse";
import { current } from "./session";
import { watch, type Answer, type Operation } from "./wire";

export interface Live<Data> {
  readonly data: Data | null;
  /** What POMS said instead. */
  readonly problem: string;
}

interface Ear<Data> {
  next(data: Data): void;
  problem(message: string): void;
  over?(): void;
}

interface Nature {
  /** It may have nothing to say for long: the page is live without it. */
  readonly quiet?: boolean;
  /** It should never be over: when it is, it begins again. */
  readonly endless?: boolean;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 4_000;
const AFTER_PROBLEM = 15_000;
const SIGNED_OUT_WAIT = 500;

/**
 * Watch until stopped: what is lost is watched again, with what `operation` says then.
 */
export function follow<Data, Variables>(
  operation: () => Operation<Data, Variables>,
  ear: Ear<Data>,
  { quiet = false, endless = false }: Nature = {},
): () => void {
  const who = {};
  let stop = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  let refused = false;

  function begin(): void {
    if (current().token === null) return again(SIGNED_OUT_WAIT);
    refused = false;
    stop = watch(operation(), {
      next: hear,
      lost: missed,
      over: () => {
        if (refused) return again(AFTER_PROBLEM);
        if (endless) return missed("POMS ended what it told.");
        leaves(who);
        ear.over?.();
      },
    });
  }

  function hear(answer: Answer<Data>): void {
    tries = 0;
    const message = answer.errors?.[0]?.message;
    if (message !== undefined) {
      refused = true;
      if (!quiet) lost(who, message);
      return ear.problem(message);
    }
    heard(who);
    if (answer.data) ear.next(answer.data);
  }

  function missed(reason: string): void {
    if (!quiet) lost(who, reason);
    again(waitAfter(tries++));
  }

  function again(wait: number): void {
    timer = setTimeout(begin, wait);
  }

  if (!quiet) awaits(who);
  begin();
  return () => {
    clearTimeout(timer);
    stop();
    leaves(who);
  };
}

/** The newest answer of a subscription; the query and the variables' values decide which one. */
export function useLive<Data, Variables>(
  query: Document<Data, Variables>,
  variables: Variables,
): Live<Data> {
  const [live, setLive] = useState<Live<Data>>({ data: null, problem: "" });
  const key = JSON.stringify(variables);
  useEffect(() => {
    setLive({ data: null, problem: "" });
    return follow(() => ({ query, variables: JSON.parse(key) as Variables }), {
      next: (data) => setLive({ data, problem: "" }),
      problem: (problem) => setLive((old) => ({ data: old.data, problem })),
    });
  }, [query, key]);
  return live;
}

// Jitter, so that a restarted service isn't met by all pages at once.
function waitAfter(tries: number): number {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** tries) * (0.6 + 0.4 * Math.random());
}
