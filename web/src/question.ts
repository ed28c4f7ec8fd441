/** Questions that components ask, again whenever their answer may have changed. */
import { useEffect, useRef, useState } from "react";
import type { Document } from "./graphql";
import { useComebacks } from "./pulse";
import { ask } from "./wire";

export interface Reply<Data> {
  readonly data: Data | null;
  /** What was answered last, be it to the variables before these: for lists that are leafed through. */
  readonly last: Data | null;
  readonly problem: string;
  readonly asking: boolean;
}

interface Kept<Data> {
  readonly key: string;
  readonly data: Data | null;
  readonly problem: string;
  readonly asking: boolean;
}

/** Ask, and ask again when `version` changes or the connection has come back. */
export function useQuestion<Data, Variables>(
  query: Document<Data, Variables>,
  variables: Variables,
  version: unknown = 0,
): Reply<Data> {
  const key = query + JSON.stringify(variables);
  const [kept, setKept] = useState<Kept<Data>>({ key, data: null, problem: "", asking: true });
  const comebacks = useComebacks();
  const given = useRef(variables);
  given.current = variables;

  useEffect(() => {
    let wanted = true;
    setKept((old) => ({ ...old, asking: true }));
    void ask({ query, variables: given.current }).then((answer) => {
      if (!wanted) return;
      const problem = answer.errors?.[0]?.message ?? "";
      setKept((old) => {
        const data = answer.data ?? (old.key === key ? old.data : null);
        const told = data !== null && answer.extensions?.["unreached"]; // by the heartbeat
        return { key, data, problem: told ? "" : problem, asking: false };
      });
    });
    return () => {
      wanted = false;
    };
  }, [query, key, version, comebacks]);

  const mine = kept.key === key;
  return {
    data: mine ? kept.data : null,
    last: kept.data,
    problem: mine ? kept.problem : "",
    asking: kept.asking,
  };
}

/** A value that changes at most every so many milliseconds, and ends as the last one. */
export function useCalmed<Value>(value: Value, every: number): Value {
  const [calm, setCalm] = useState(value);
  const since = useRef(0);
  useEffect(() => {
    const wait = Math.max(0, since.current + every - Date.now());
    const timer = setTimeout(() => {
      since.current = Date.now();
      setCalm(value);
    }, wait);
    return () => clearTimeout(timer);
  }, [value, every]);
  return calm;
}

/** A number that grows every so many milliseconds while the page is seen. */
export function useTicks(every: number): number {
  const [ticks, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setTicks((old) => old + 1);
    }, every);
    return () => clearInterval(timer);
  }, [every]);
  return ticks;
}
