/**
 * What every name server gave out and when, in simulated time, and so what any resolver in the world may hold: each answer, also the one
 * that nothing is there, for its whole TTL. Nothing of waxseal is in here: it is what the year of rotations is judged by.
 */

/** Nothing is there. */
export const NXDOMAIN = 'NXDOMAIN';

/** One server gave out one value. */
export interface Span {
  readonly server: string;
  readonly value: string;
  readonly fromMs: number;
  toMs: number;
  readonly ttlMs: number;
}

/** An answer that was given out in `[fromMs, toMs)` is in some cache in `[fromMs, endMs)`. */
export interface Held {
  readonly value: string;
  readonly fromMs: number;
  readonly endMs: number;
}

export type Records = ReadonlyMap<string, { readonly value: string; readonly ttlMs: number }>;

export class CacheModel {
  readonly servers: readonly string[];
  readonly #spans = new Map<string, Map<string, Span[]>>();
  readonly #negative = new Map<string, Span[]>();
  readonly #appliedMs = new Map<string, number>();

  constructor(servers: readonly string[]) {
    this.servers = servers;
  }

  /** Each server takes the version over at its own time, in order. */
  publish(records: Records, negativeTtlMs: number, atMs: (server: string) => number): void {
    for (const server of this.servers) {
      const appliedMs = Math.max(atMs(server), this.#appliedMs.get(server) ?? -Infinity);
      this.#appliedMs.set(server, appliedMs);
      const negative = this.#negative.get(server) ?? [];
      this.#negative.set(server, negative);
      this.#append(negative, {
        server,
        value: NXDOMAIN,
        fromMs: negative.length === 0 ? -Infinity : appliedMs,
        toMs: Infinity,
        ttlMs: negativeTtlMs,
      });
      for (const key of new Set([...records.keys(), ...this.#spans.keys()])) {
        const record = records.get(key);
        const spans = this.#spansOf(key, server);
        this.#append(spans, { server, value: record?.value ?? NXDOMAIN, fromMs: appliedMs, toMs: Infinity, ttlMs: record?.ttlMs ?? 0 });
      }
    }
  }

  #spansOf(key: string, server: string): Span[] {
    const byServer = this.#spans.get(key) ?? new Map<string, Span[]>();
    this.#spans.set(key, byServer);
    const spans = byServer.get(server) ?? [{ server, value: NXDOMAIN, fromMs: -Infinity, toMs: Infinity, ttlMs: 0 }];
    byServer.set(server, spans);
    return spans;
  }

  #append(spans: Span[], span: Span): void {
    const last = spans.at(-1);
    if (last?.value === span.value && last.ttlMs === span.ttlMs) return;
    if (last !== undefined) last.toMs = span.fromMs;
    spans.push(span);
  }

  /** What a server answers. */
  valueAt(server: string, key: string, atMs: number): string {
    const spans = this.#spans.get(key)?.get(server) ?? [];
    return spans.findLast((span) => span.fromMs <= atMs)?.value ?? NXDOMAIN;
  }

  /** Everything that may be in a cache, ever. */
  held(key: string): Held[] {
    const all = [...(this.#spans.get(key)?.values() ?? [])].flat().filter((span) => span.toMs > span.fromMs);
    return all.flatMap((span): Held[] => {
      const { value, fromMs, toMs } = span;
      if (value !== NXDOMAIN) return [{ value, fromMs, endMs: toMs + span.ttlMs }];
      // How long a negative answer lasts is what the SOA said when it was given out.
      return this.#negative.get(span.server)!.flatMap((soa): Held[] => {
        const [from, to] = [Math.max(fromMs, soa.fromMs), Math.min(toMs, soa.toMs)];
        return from < to ? [{ value, fromMs: from, endMs: to + soa.ttlMs }] : [];
      });
    });
  }

  keys(): string[] {
    return [...this.#spans.keys()];
  }
}

/** True when two half-open intervals have an instant in common. */
export function overlap(a: { fromMs: number; endMs: number }, b: { fromMs: number; endMs: number }): boolean {
  return a.fromMs < b.endMs && b.fromMs < a.endMs;
}
