/**
 * What an emergency roll of a compromised key leads to, in words and dates, before the operator says yes.
 * Implements: RFC 6781 §4.2 (the choice between a chain of trust that holds and a key that is gone at once),
 * §4.2.1.1, §4.2.1.2, §4.2.2; RFC 4035 §5.3.3 (a signature counts until it expires, wherever it comes from).
 * Not here: the rollover itself (dnssec/rollover), the question (cli/dnssec-rollovers.ts).
 */
import { formatTime } from '#lifecycle/timeline.ts';
import { type ForecastStep } from '#dnssec/rollover/forecast.ts';
import { type KeyRole } from '#dnssec/key-stage.ts';

/** `safe`: no answer becomes bogus. `now`: the key is out at once, and answers are bogus behind caches for a time. */
export type Emergency = 'safe' | 'now';

/** How long caches hold what stands against a new key. Wall time. */
export interface Exposure {
  readonly zone: string;
  readonly how: Emergency;
  /** Tags of the keys that go. */
  readonly out: readonly number[];
  readonly roles: readonly KeyRole[];
  /** A DNSKEY RRset that is given out now. */
  readonly keysUntilMs: number;
  /** Signatures that are given out now. */
  readonly zoneUntilMs: number;
  /** The DS records of now, if the parent had new ones this moment. */
  readonly dsUntilMs: number;
  /** A DNSKEY RRset with the key that is given out now counts for validators, from wherever it comes. */
  readonly replayUntilMs: number;
  /** Of the rollover, from now on. */
  readonly forecast: readonly Pick<ForecastStep, 'text' | 'atMs'>[];
}

/** One line for each consequence, the worst first. */
export function emergencyConsequences(exposure: Exposure): readonly string[] {
  const isZsk = exposure.roles.every((role) => role === 'zsk');
  if (exposure.how === 'safe') return isZsk ? safeZsk(exposure) : safeKsk(exposure);
  return isZsk ? brokenZsk(exposure) : brokenKsk(exposure);
}

function keysText(out: readonly number[]): string {
  return `${out.length === 1 ? 'key' : 'keys'} ${out.join(', ')}`;
}

function replay({ zone, out, replayUntilMs }: Exposure, role: string): string {
  return (
    `The DNSKEY RRset of now is signed until ${formatTime(replayUntilMs)}. A holder of ${keysText(out)} who sends ` +
    `that RRset along can forge records of ${zone} until then, whatever is done here; only another ${role}, and ` +
    `the end of the present DS records, end it sooner: waxseal dnssec roll ${zone} --role ${role.toLowerCase()} ` +
    '--emergency'
  );
}

function safeZsk(exposure: Exposure): string[] {
  const { zone, out, forecast } = exposure;
  const [signing, done] = [forecast[0], forecast.at(-1)];
  return [
    `No answer of ${zone} becomes bogus at any time.`,
    `A holder of ${keysText(out)} can forge records until it is gone from the DNSKEY RRset and from caches: not ` +
      `before ${dateOf(done)}. The new key signs from ${dateOf(signing)} on.`,
    replay(exposure, 'KSK'),
    `The other choice: --emergency now takes ${keysText(out)} out of the zone at once, and answers are bogus behind ` +
      `caches until ${formatTime(Math.max(exposure.keysUntilMs, exposure.zoneUntilMs))}.`,
  ];
}

function safeKsk({ zone, out, forecast, dsUntilMs }: Exposure): string[] {
  return [
    `No answer of ${zone} becomes bogus, as long as the parent takes over what CDS and CDNSKEY ask for.`,
    `A holder of ${keysText(out)} can forge records until no cache has a DS of it: not before ` +
      `${dateOf(forecast.at(-1))}. What that waits for is the DS at the parent: enter the new one at the ` +
      `registrar by hand as soon as it is asked for (${dateOf(forecast[0])}), and remove the old one (waxseal ` +
      `dnssec ds ${zone}).`,
    `The other choice: --emergency now takes ${keysText(out)} out of the zone at once. Every validating resolver ` +
      `then answers SERVFAIL for ${zone} until the parent has the new DS and no cache has the old one: not before ` +
      `${formatTime(dsUntilMs)} even if the parent changes this minute. It does not stop a holder of the key any ` +
      'sooner than the DS does.',
  ];
}

function brokenZsk(exposure: Exposure): string[] {
  const { zone, out, keysUntilMs, zoneUntilMs } = exposure;
  return [
    `Answers of ${zone} are bogus behind caches that hold the DNSKEY RRset of now: SERVFAIL for what they ask anew, ` +
      `until ${formatTime(keysUntilMs)}.`,
    `Validators that get the new DNSKEY RRset and, from another cache, signatures of before find those bogus, until ` +
      `${formatTime(zoneUntilMs)}.`,
    `${keysText(out)} is deleted here and cannot come back.`,
    replay(exposure, 'KSK'),
    `The other choice: --emergency safe breaks nothing, and leaves the key in the DNSKEY RRset for that time.`,
  ];
}

function brokenKsk({ zone, out, dsUntilMs, keysUntilMs }: Exposure): string[] {
  return [
    `Every validating resolver answers SERVFAIL for all of ${zone}, mail and all, as soon as its cache has ` +
      `dropped the DNSKEY RRset of now (${formatTime(keysUntilMs)} at the latest), until the parent has the DS of ` +
      `the new key and no cache has the old one: not before ${formatTime(dsUntilMs)} even if the parent changes ` +
      'this minute.',
    `No parent takes over CDS or CDNSKEY from a zone that does not validate (RFC 7344 §4.1): enter the new DS at the ` +
      `registrar by hand at once (waxseal dnssec ds ${zone}), and remove the old one.`,
    `A holder of ${keysText(out)} can forge records for as long as a cache or the parent has a DS of it: what ` +
      'stops that is the DS, not this server.',
    `${keysText(out)} is deleted here and cannot come back.`,
    `The other choice: --emergency safe keeps the chain of trust until the parent has the new DS.`,
  ];
}

function dateOf(step: Pick<ForecastStep, 'atMs'> | undefined): string {
  return step === undefined ? 'now' : formatTime(step.atMs);
}
