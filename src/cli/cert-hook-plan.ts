/**
 * One mail host in the hands of a hook: which of its TLSA records is of the new key, and which is replaced by it. Pure.
 * Implements: RFC 7671 §8.1 (the next key's record before the key; one parameter changes at a time).
 * Not here: asking the server (cert-hook-hosts.ts), what the server does (mail/dane/lifecycle.ts).
 */
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { atObject } from '#base/place.ts';
import { COMING_STAGES } from '#mail/dane/lifecycle.ts';
import { formatTlsa, parseTlsa, tlsaFor } from '#mail/dane/record.ts';

/** As the API lists it. */
export interface TlsaItem {
  readonly object: string;
  readonly host: string;
  readonly port: number;
  readonly record: string;
  readonly stage: string;
  readonly notBefore?: string;
}

/** `unchanged`: the key is in use already. `follow`: its record is announced. `next`: it is to be announced. */
export type HostPlan =
  | { readonly kind: 'unchanged'; readonly object: string }
  | { readonly kind: 'follow'; readonly object: string }
  | { readonly kind: 'next'; readonly record: string; readonly replaces: string };

/** Announced, and not reported in use. */
export function isComing({ stage }: TlsaItem): boolean {
  return COMING_STAGES.includes(stage);
}

/** Records of one host at one port, which is in `at`; `deployed`: PEM of the certificate that the host uses so far. */
export function planHost(at: string, items: readonly TlsaItem[], pem: string, deployed?: string): Result<HostPlan> {
  const current = items.filter(({ stage }) => stage === 'current');
  const unchanged = current.find((item) => recordLike(item, pem) === item.record);
  if (unchanged !== undefined) return ok({ kind: 'unchanged', object: unchanged.object });
  const coming = items.find((item) => isComing(item) && recordLike(item, pem) === item.record);
  if (coming !== undefined) return ok({ kind: 'follow', object: coming.object });
  const replaced = replacedOf(at, current, deployed);
  if (!replaced.ok) return replaced;
  const record = makeRecord(replaced.value, pem);
  return record.ok ? ok({ kind: 'next', record: record.value, replaces: replaced.value.object }) : record;
}

/** The record in use that the new one takes the place of. */
function replacedOf(at: string, current: readonly TlsaItem[], deployed: string | undefined): Result<TlsaItem> {
  const [only, ...others] = current;
  if (only !== undefined && others.length === 0) return ok(only);
  const old = deployed === undefined ? undefined : current.find((item) => recordLike(item, deployed) === item.record);
  if (old !== undefined) return ok(old);
  return fail(
    only === undefined
      ? problemAt(at, 'the mail policy names no key in use', 'add the host to dane.hosts of the mail policy')
      : problemAt(at, 'several keys are in use', 'name the certificate that this one replaces: --deployed FILE'),
  );
}

function problemAt(at: string, why: string, fix: string): Problem {
  return problem('LIFECYCLE_OBJECT', atObject(at), `${at}: ${why}`, { fix });
}

/** A record with the parameters of `item` for what is in `pem`; undefined when none can be made. */
function recordLike(item: TlsaItem, pem: string): string | undefined {
  const made = makeRecord(item, pem);
  return made.ok ? made.value : undefined;
}

function makeRecord({ record }: TlsaItem, pem: string): Result<string> {
  const old = parseTlsa(record);
  if (!old.ok) return old;
  const { usage, selector, matching } = old.value;
  const made = tlsaFor({ pem }, { usage, selector, matching });
  return made.ok ? ok(formatTlsa(made.value)) : made;
}
