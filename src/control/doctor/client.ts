/**
 * Who asks for one check: a resolver and questions to single servers, some at a time, not more than a number of them,
 * and none after the check's time. What was asked once is not asked again.
 * Not here: the questions (look.ts), sending them (control/outside/).
 */
import { type IpPort, formatIpPort } from '#base/address.ts';
import { CHECK_QUESTIONS_AT_ONCE, CHECK_QUESTIONS_MAX } from '#base/limits/outside.ts';
import { type Name, ownerKey } from '#dns/name.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { type RrType } from '#dns/types.ts';
import { type DirectReply } from '#control/outside/direct-question.ts';

export type Ask = (server: IpPort, name: Name, type: RrType) => Promise<DirectReply>;

export interface CheckClient {
  readonly resolver: Resolver;
  readonly askUdp: Ask;
  readonly askTcp: Ask;
  /** Work that is no question and has an end of its own; what is not done in time is `late`. */
  readonly within: <T>(work: () => Promise<T>, late: T) => Promise<T>;
}

export interface CheckClientOptions {
  readonly resolver: Resolver;
  readonly askUdp: Ask;
  readonly askTcp: Ask;
  /** Aborted when the check's time is over. */
  readonly signal: AbortSignal;
}

const LATE = 'the time for this check was over';
const MANY = `more than ${CHECK_QUESTIONS_MAX} questions would be asked for this check`;

export function checkClient({ resolver, askUdp, askTcp, signal }: CheckClientOptions): CheckClient {
  const turns = new Turns(CHECK_QUESTIONS_AT_ONCE);
  const known = new Map<string, Promise<unknown>>();
  let asked = 0;
  const within = <T>(work: () => Promise<T>, late: T): Promise<T> => orLate(work, late, signal);
  /** Not asked: `refused`. */
  const ask = <T>(key: string, work: () => Promise<T>, refused: (why: string) => T): Promise<T> => {
    const before = known.get(key);
    if (before !== undefined) return before as Promise<T>;
    if (asked >= CHECK_QUESTIONS_MAX) return Promise.resolve(refused(MANY));
    asked += 1;
    const late = refused(LATE);
    const answer = within(() => turns.take(() => (signal.aborted ? Promise.resolve(late) : work())), late);
    known.set(key, answer);
    return answer;
  };
  const direct =
    (way: string, send: Ask): Ask =>
    (server, name, type) =>
      ask(
        `${way} ${formatIpPort(server)} ${ownerKey(name)} ${type}`,
        () => send(server, name, type),
        (failure): DirectReply => ({ failure }),
      );
  return {
    resolver: {
      lookup: (name, type) =>
        ask(
          `resolver ${ownerKey(name)} ${type}`,
          () => resolver.lookup(name, type),
          (reason): ResolverAnswer => ({ kind: 'timeout', reason }),
        ),
    },
    askUdp: direct('udp', askUdp),
    askTcp: direct('tcp', askTcp),
    within,
  };
}

async function orLate<T>(work: () => Promise<T>, late: T, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return late;
  const ended = Promise.withResolvers<T>();
  const end = (): void => ended.resolve(late);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([work(), ended.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** So many at a time, in the order in which they came. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
