/**
 * Routes that write something other than a zone, for a known sender and with `?dryRun`.
 * Not here: changes of a zone (change-route.ts).
 */
import type { Static, TProperties, TSchema } from 'typebox';
import type { Result } from '#base/problem.ts';
import type { Actor } from '#control/api/control.ts';
import type { Access } from './access.ts';
import { identityOf } from './identity.ts';
import { textParameter } from './names.ts';
import { sendProblems } from './problems.ts';
import type { Asked, Method, Route, RouteParts, Values } from './route.ts';
import { type Answer, dryRunQuery, isOn } from './schemas.ts';

/** A request to write. */
export interface Order<P = unknown, Q = unknown, B = unknown> extends Asked<P, Q, B> {
  readonly actor: Actor;
  /** Decide and answer the same, but write nothing. */
  readonly dryRun: boolean;
}

export interface WriteParts<P extends TProperties, Q extends TProperties, B extends TSchema> extends RouteParts<P, Q, B> {
  readonly method: Exclude<Method, 'GET'>;
}

export interface WriteRoute<P extends TProperties, Q extends TProperties, B extends TSchema> extends WriteParts<P, Q, B> {
  readonly access: Access;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Gives the body of the answer; its status is 200 unless `reply` was given another one. */
  readonly write: (order: Order<Values<P>, Values<Q>, Static<B>>) => Promise<Result<unknown>>;
}

export function writeRoute<P extends TProperties, Q extends TProperties, B extends TSchema>(route: WriteRoute<P, Q, B>): Route {
  const { method, access, answers, write, ...parts } = route;
  const writeOrder = write as (order: Order) => Promise<Result<unknown>>;
  return {
    method,
    url: parts.url,
    access,
    writes: true,
    parts: { ...parts, query: { ...dryRunQuery, ...parts.query } },
    answers,
    handle: async (asked) => {
      const dryRun = isOn(textParameter(asked.query, 'dryRun'));
      const written = await writeOrder({ ...asked, actor: identityOf(asked.request).actor, dryRun });
      return written.ok ? asked.reply.send(written.value) : sendProblems(asked.reply, written.problems);
    },
  };
}
