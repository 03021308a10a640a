/**
 * What all clients of the API share and one of them could use up: each budget has a share for one token, and a part that only
 * administrators may use, so that tenants neither lock out each other nor the operator.
 * Not here: changes that wait (control/funnel/funnel.ts), requests per minute (admin/app.ts, access.ts), connections (listen.ts).
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  EXPORTS_MAX,
  EXPORTS_PER_TOKEN_MAX,
  EXPORTS_RESERVED,
  LARGE_IMPORTS_MAX,
  LARGE_IMPORTS_PER_TOKEN_MAX,
  LARGE_IMPORTS_RESERVED,
  SERVED_WAITS_MAX,
  SERVED_WAITS_PER_TOKEN_MAX,
  SERVED_WAITS_RESERVED,
} from '#base/limits/admin.ts';
import { CHECKS_MAX as ZONE_CHECKS_MAX, CHECKS_PER_TOKEN_MAX, CHECKS_RESERVED } from '#base/limits/outside.ts';
import { EVENT_STREAMS_MAX, EVENT_STREAMS_PER_TOKEN_MAX, EVENT_STREAMS_RESERVED } from '#base/limits/events.ts';
import { DELEGATION_CHECKS_MAX as CHECKS_MAX, DELEGATION_CHECKS_PER_TOKEN_MAX } from '#base/limits/outside.ts';
import { DELEGATION_CHECKS_RESERVED } from '#base/limits/outside.ts';
import { OUTSIDE_LOOKS_MAX, OUTSIDE_LOOKS_PER_TOKEN_MAX, OUTSIDE_LOOKS_RESERVED } from '#base/limits/outside.ts';
import { SEARCHES_MAX, SEARCHES_PER_TOKEN_MAX, SEARCHES_RESERVED } from '#base/limits/search.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import type { MetricFamily } from '#control/api/control.ts';
import { type Identity, identityOf } from './identity.ts';

interface Budget {
  /** In the plural, for messages. */
  readonly what: string;
  readonly max: number;
  /** For one token that is not an administrator's. */
  readonly perTokenMax: number;
  /** Kept free for administrators: other tokens together leave it. */
  readonly reserved: number;
}

type OutsideBudget = 'looks' | 'checks' | 'delegations';
export type BudgetName = OutsideBudget | 'streams' | 'waits' | 'octets' | 'texts' | 'imports' | 'exports' | 'searches';

/** What is turned away for its size, or for a budget. */
type Reason = BudgetName | 'records';

declare module 'fastify' {
  interface FastifyInstance {
    budgets: Budgets;
  }
}

export class Budgets {
  readonly #budgets: Readonly<Record<BudgetName, Budget>>;
  /** Taken of each budget: by all, and by each token. */
  readonly #taken = new Map<string, number>();
  readonly #rejected = new Map<Reason, number>();

  /**
   * `bodyBytesMax`: the largest body of any route. Four may be under way, one for each token, the last for
   * administrators; two in memory.
   */
  constructor(bodyBytesMax: number) {
    this.#budgets = {
      streams: {
        what: 'streams of events',
        max: EVENT_STREAMS_MAX,
        perTokenMax: EVENT_STREAMS_PER_TOKEN_MAX,
        reserved: EVENT_STREAMS_RESERVED,
      },
      looks: {
        what: 'requests that ask other name servers',
        max: OUTSIDE_LOOKS_MAX,
        perTokenMax: OUTSIDE_LOOKS_PER_TOKEN_MAX,
        reserved: OUTSIDE_LOOKS_RESERVED,
      },
      checks: {
        what: 'checks of zones',
        max: ZONE_CHECKS_MAX,
        perTokenMax: CHECKS_PER_TOKEN_MAX,
        reserved: CHECKS_RESERVED,
      },
      delegations: {
        what: 'checks of delegations',
        max: CHECKS_MAX,
        perTokenMax: DELEGATION_CHECKS_PER_TOKEN_MAX,
        reserved: DELEGATION_CHECKS_RESERVED,
      },
      waits: {
        what: 'requests that wait until a change is served',
        max: SERVED_WAITS_MAX,
        perTokenMax: SERVED_WAITS_PER_TOKEN_MAX,
        reserved: SERVED_WAITS_RESERVED,
      },
      octets: {
        what: 'octets of large bodies',
        max: 4 * bodyBytesMax,
        perTokenMax: bodyBytesMax,
        reserved: bodyBytesMax,
      },
      texts: {
        what: 'octets of whole large bodies',
        max: 2 * bodyBytesMax,
        perTokenMax: bodyBytesMax,
        reserved: bodyBytesMax,
      },
      imports: {
        what: 'large imports',
        max: LARGE_IMPORTS_MAX,
        perTokenMax: LARGE_IMPORTS_PER_TOKEN_MAX,
        reserved: LARGE_IMPORTS_RESERVED,
      },
      exports: {
        what: 'exports of large zones',
        max: EXPORTS_MAX,
        perTokenMax: EXPORTS_PER_TOKEN_MAX,
        reserved: EXPORTS_RESERVED,
      },
      searches: {
        what: 'searches',
        max: SEARCHES_MAX,
        perTokenMax: SEARCHES_PER_TOKEN_MAX,
        reserved: SEARCHES_RESERVED,
      },
    };
  }

  /** Something had more than a command of its token may bring. */
  reject(reason: Reason): void {
    this.#rejected.set(reason, (this.#rejected.get(reason) ?? 0) + 1);
  }

  /** What is taken now, what there is, and how often it was not enough. */
  families(): readonly MetricFamily[] {
    const budgets = Object.entries(this.#budgets);
    const gauge = { type: 'gauge' as const };
    return [
      {
        ...gauge,
        name: 'waxseal_api_budget_used',
        help: 'What requests under way have taken of a budget that all clients of the API share.',
        samples: budgets.map(([budget]) => ({ labels: { budget }, value: this.#taken.get(budget) ?? 0 })),
      },
      {
        ...gauge,
        name: 'waxseal_api_budget_max',
        help: 'How much of it there is.',
        samples: budgets.map(([budget, { max }]) => ({ labels: { budget }, value: max })),
      },
      {
        name: 'waxseal_api_budget_rejected_total',
        help: 'Requests that were rejected because a budget, or the share of their token in it, was used up.',
        type: 'counter',
        samples: [...budgets.map(([budget]) => budget), 'records'].map((budget) => ({
          labels: { budget },
          value: this.#rejected.get(budget as Reason) ?? 0,
        })),
      },
    ];
  }

  /** Takes `amount` for the time of this request, until its answer has been sent or its client has gone; or says why not. */
  take(name: BudgetName, request: FastifyRequest, reply: FastifyReply, amount = 1): Problem | undefined {
    // Its client has gone while something was waited for: the end that would give it back has been.
    if (reply.raw.destroyed) return undefined;
    const identity = identityOf(request);
    const key = `${name} ${identity.actor.kind} ${identity.actor.id}`;
    const refusal = this.#refusal(name, key, identity, amount);
    if (refusal !== undefined) {
      this.reject(name);
      return refusal;
    }
    this.#count([name, key], amount);
    reply.raw.once('close', () => this.#count([name, key], -amount));
    return undefined;
  }

  #refusal(name: BudgetName, key: string, { scopes }: Identity, amount: number): Problem | undefined {
    const { what, max, perTokenMax, reserved } = this.#budgets[name];
    const [all, own] = [this.#taken.get(name) ?? 0, this.#taken.get(key) ?? 0];
    const isAdmin = scopes.includes('admin');
    if (!isAdmin && own + amount > perTokenMax)
      return problem('OVERLOADED', WHOLE, `this token has ${own} ${what} under way; ${perTokenMax} are the most for one token`, {
        fix: 'wait until some of them have ended',
      });
    if (all + amount <= (isAdmin ? max : max - reserved)) return undefined;
    return problem('OVERLOADED', WHOLE, `${all} ${what} are under way already`, { fix: 'try again later' });
  }

  #count(keys: readonly string[], by: number): void {
    for (const key of keys) {
      const now = (this.#taken.get(key) ?? 0) + by;
      if (now === 0) this.#taken.delete(key);
      else this.#taken.set(key, now);
    }
  }
}
