/**
 * Routes that write something other than a zone, for a known sender and with `?dryRun`.
 * Not here: changes of a zone (change-route.ts).
 */
import type { Static, TProperties, TSchema } from 'typebox';
import type { Result } from '#base/problem.ts';
import type { Actor } from '#control/api/control.ts';
import { identityOf } from './identity.ts';
import { textParameter } from './names.ts';
import { sendProblems } from './problems.ts';
import type { Asked, Route, RouteParts, Values } from './route.ts';
import { dryRunQuery, isOn } from './schemas.ts';

/** A request to write. */
export interface Order<P = unknown, Q = unknown, B = unknown> extends Asked<P, Q, B> {
  readonly actor: Actor;
  /** Decide and answer the same, but write nothing. */
  readonly dryRun: boolean;
}

export interface WriteParts<P extends TProperties, Q extends TProperties, B extends TSchema> extends RouteParts<P, Q, B> {
  readonly method: Exclude<Route['method'], 'GET'>;
}

interface WriteRoute<P extends TProperties, Q extends TProperties, B extends TSchema>
  extends WriteParts<P, Q, B>, Pick<Route, 'access' | 'answers'> {
  /** Returns the body of the answer; its status is 200 unless `reply` was given another one. */
  readonly write: (order: Order<Values<P>, Values<Q>, Static<B>>) => Promise<Result<unknown>>;
}

export function writeRoute<P extends TProperties, Q extends TProperties, B extends TSchema>({
  write: typed,
  ...route
}: WriteRoute<P, Q, B>): Route {
  const write = typed as (order: Order) => Promise<Result<unknown>>;
  return {
    ...route,
    writes: true,
    query: { ...dryRunQuery, ...route.query },
    handle: async (asked) => {
      const dryRun = isOn(textParameter(asked.query, 'dryRun'));
      const written = await write({ ...asked, actor: identityOf(asked.request).actor, dryRun });
      return written.ok ? asked.reply.send(written.value) : sendProblems(asked.reply, written.problems);
    },
  };
}
