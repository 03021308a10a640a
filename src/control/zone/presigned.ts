/**
 * A zone that another signer keeps signed: it is served with the signatures of its file and never signed here. The
 * file is taken whole, after its signatures and its NSEC or NSEC3 chain were checked, or not at all; nothing else
 * changes the zone.
 * Implements: RFC 4035 §2, RFC 1982 §3.2 (secondaries follow a newer serial only).
 * Not here: the check (dnssec/presigned.ts), that every other change is rejected (control/signing/prepare.ts).
 */
import { type Clock, toSeconds } from '#base/clock.ts';
import { PRESIGNED_LATE_SECONDS, PRESIGNED_WARN_SECONDS } from '#base/limits/dnssec.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem, warning } from '#base/problem.ts';
import { formatName } from '#dns/name.ts';
import { isNewer } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { parseZoneFile } from '#dns/zone-file.ts';
import { assemblePresigned, firstEnd, verifyPresigned } from '#dnssec/presigned.ts';
import { planWhole } from '#dnssec/plan-received.ts';
import { type ZonePlan } from '#dnssec/plan.ts';
import { type Presigned, type ZoneRecord } from '#store/schema.ts';
import { assembleRrsets } from '#zone/assemble.ts';
import { serialOf } from '#zone/changeset.ts';
import { checkedZone } from '#zone/check.ts';
import { type ZoneView } from '#zone/view.ts';
import { checkZonemd } from '#zone/zonemd-check.ts';
import { type ZoneSource } from './import.ts';

/** A pre-signed zone as a part of a decision writes it. */
export interface PresignedPart {
  readonly plan: ZonePlan;
  readonly presigned: Presigned;
}

/** `record` and `before`: the zone as it is; undefined and empty for a new one. */
export async function presignedPart(
  source: ZoneSource,
  record: ZoneRecord | undefined,
  before: ZoneView,
  clock: Clock,
): Promise<Result<PresignedPart>> {
  const { apex } = before;
  if (record !== undefined && record.keys.length > 0) return fail(ownKeys(record));
  const file = parseZoneFile(source.text, {
    file: source.file,
    origin: apex,
    ...(source.include === undefined ? {} : { include: source.include }),
    ...source.bounds,
  });
  const zone = assembleRrsets(
    apex,
    file.records.filter(({ type }) => type !== TYPE.RRSIG),
  );
  const checked = checkedZone(apex, zone.rrsets, { complete: !hasErrors(file.problems) });
  const digest = hasErrors(file.problems) ? [] : checkZonemd(apex, file.records);
  const problems = [...file.problems, ...digest, ...zone.problems, ...checked.problems];
  if (hasErrors(problems)) return fail(...problems);
  const signed = assemblePresigned(
    apex,
    zone.rrsets,
    file.records.filter(({ type }) => type === TYPE.RRSIG),
  );
  if (!signed.ok) return signed;
  const nowSeconds = toSeconds(clock.nowMs());
  const bad = await verifyPresigned(signed.value, nowSeconds);
  if (bad.length > 0) return fail(...bad);
  const plan = await planWhole(before, signed.value);
  const isFollowed = record === undefined || !plan.changed || isNewer(serialOf(signed.value), serialOf(before));
  if (!isFollowed) return fail(oldSerial(record, signed.value));
  const { seconds, owner, type } = firstEnd(signed.value, nowSeconds)!;
  return ok(
    {
      plan,
      presigned: { endsAtSeconds: seconds, firstOwner: owner, firstType: type, importedAtMs: clock.nowMs() },
    },
    [...problems, ...endWarnings(formatName(apex), seconds, nowSeconds)],
  );
}

function ownKeys({ name, keys }: ZoneRecord): Problem {
  const tags = keys.map(({ keyTag }) => keyTag).join(', ');
  return problem(
    'ZONE_PRESIGNED',
    atZone(name),
    `${name} is signed here with ${tags}; with a file that another signed these would go; nothing was changed`,
    {
      fix: `stop signing first: waxseal dnssec disable ${name} --when-safe`,
    },
  );
}

function oldSerial({ name, serial }: ZoneRecord, zone: ZoneView): Problem {
  const why = `the serial ${serialOf(zone)} of the file is not newer than ${serial}: secondaries would not follow`;
  return problem('ZONE_PRESIGNED', atZone(name), why, { fix: 'raise the serial, sign again', rfc: 'RFC 1982 §3.2' });
}

function endWarnings(zone: string, endsAtSeconds: number, nowSeconds: number): Problem[] {
  const end = presignedProblem({ name: zone, presigned: { endsAtSeconds } }, nowSeconds);
  return end === undefined ? [] : [{ ...end, severity: 'warning' }];
}

/** Says that the signatures of a pre-signed zone end soon, or have ended. */
export function presignedProblem(
  { name, presigned }: { readonly name: string; readonly presigned?: Pick<Presigned, 'endsAtSeconds'> },
  nowSeconds: number,
): Problem | undefined {
  if (presigned === undefined) return undefined;
  const left = presigned.endsAtSeconds - nowSeconds;
  const day = new Date(presigned.endsAtSeconds * 1000).toISOString().slice(0, 16);
  const fix = `sign it anew where it is signed, then: waxseal zone import ${name} FILE --presigned`;
  const text = `the first signature of ${name} ends on ${day}`;
  const ended = `signatures of ${name} have ended (the first on ${day}): it is bogus`;
  if (left <= 0) return problem('PRESIGNED_ENDS', atZone(name), ended, { fix });
  if (left < PRESIGNED_LATE_SECONDS) return problem('PRESIGNED_ENDS', atZone(name), text, { fix });
  return left < PRESIGNED_WARN_SECONDS ? warning('PRESIGNED_ENDS', atZone(name), text, { fix }) : undefined;
}
