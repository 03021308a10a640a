/**
 * What a new key for UPDATE may change, as it was asked for → as it is kept: names whole, in lower case, types known.
 * Not here: what the patterns mean (transfer/update-rights.ts).
 */
import { TTL_SECONDS_MAX } from '#base/limits/dns.ts';
import { UPDATE_KEY_NAMES_MAX, UPDATE_KEY_TYPES_MAX } from '#base/limits/update.ts';
import { type BodyPlace, below, inBody } from '#base/place.ts';
import { type Problem, placeAt, problem } from '#base/problem.ts';
import { ROOT, formatName, isAtOrBelow, lowerName, nameOf, ownerKey, parseName } from '#dns/name.ts';
import { isMetaType, typeCode, typeName } from '#dns/registry.ts';
import { parseRequestName } from '#dns/request-name.ts';
import { KEY_PATTERN, type UpdateRightsText } from '#transfer/update-rights.ts';

type Zones = 'all' | readonly string[];

/** What is wrong is added to `problems`. `zones`: of the key, good names. */
export function readWantedRights(wanted: UpdateRightsText, zones: Zones, problems: Problem[]): UpdateRightsText {
  const { names, types, ttlMin, ttlMax } = wanted;
  const at = inBody('/update');
  checkCount(names, UPDATE_KEY_NAMES_MAX, below(at, 'names'), problems);
  checkCount(types, UPDATE_KEY_TYPES_MAX, below(at, 'types'), problems);
  const patterns = names?.flatMap((text, each) => readPattern(text, zones, below(below(at, 'names'), each), problems));
  const mnemonics = types?.map((text, each) => readType(text, below(below(at, 'types'), each), problems));
  checkTtls(wanted, at, problems);
  return {
    ...(patterns === undefined ? {} : { names: [...new Set(patterns)] }),
    ...(mnemonics === undefined ? {} : { types: [...new Set(mnemonics)] }),
    ...(ttlMin === undefined ? {} : { ttlMin }),
    ...(ttlMax === undefined ? {} : { ttlMax }),
  };
}

/** For people: ` names … types … TTL …`, each after a blank; empty when nothing is restricted. */
export function rightsText({ names, types, ttlMin, ttlMax }: UpdateRightsText): string {
  const ttl = ttlMin === undefined && ttlMax === undefined ? '' : ` TTL ${ttlMin ?? 0}-${ttlMax ?? TTL_SECONDS_MAX}`;
  const nameText = names === undefined ? '' : ` names ${names.join(' ')}`;
  const typeText = types === undefined ? '' : ` types ${types.join(' ')}`;
  return `${nameText}${typeText}${ttl}`;
}

function checkCount(list: readonly string[] | undefined, max: number, at: BodyPlace, problems: Problem[]): void {
  if (list === undefined || (list.length > 0 && list.length <= max)) return;
  problems.push(problem('FIELD_VALUE', at, `${list.length} entries, 1 to ${max} are possible; absent: all`));
}

/** One pattern is several where a name is relative to several zones. */
function readPattern(text: string, zones: Zones, at: BodyPlace, problems: Problem[]): readonly string[] {
  if (text === '*' || text === KEY_PATTERN || text === `*.${KEY_PATTERN}`) return [text];
  if (text.endsWith('.*')) {
    const start = parseName(text.slice(0, -1), ROOT);
    if (!start.ok) problems.push(...placeAt(start.problems, at));
    return start.ok ? [`${formatName(lowerName(start.value))}*`] : [];
  }
  const isBelow = text.startsWith('*.');
  const names = readName(isBelow ? text.slice(2) : text, zones, at, problems);
  return names.map((name) => (isBelow ? `*.${name}` : name));
}

function readName(text: string, zones: Zones, at: BodyPlace, problems: Problem[]): readonly string[] {
  if (zones === 'all') {
    const name = parseName(text, ROOT);
    if (name.ok && text.endsWith('.')) return [formatName(lowerName(name.value))];
    const fix = 'write it whole, with a last dot, or as LABEL.*';
    const why = `${JSON.stringify(text)} is relative, and a key of all zones has no zone that it could be relative to`;
    problems.push(...(name.ok ? [problem('NAME_RELATIVE', at, why, { fix })] : placeAt(name.problems, at)));
    return [];
  }
  const read = zones.map((zone) => ({ apex: nameOf(zone), name: parseRequestName(text, nameOf(zone)) }));
  const bad = read.find(({ name }) => !name.ok)?.name;
  const inZone = read.flatMap(({ apex, name }) => {
    return name.ok && isAtOrBelow(ownerKey(name.value), ownerKey(apex)) ? [formatName(lowerName(name.value))] : [];
  });
  if (inZone.length > 0) return inZone;
  if (bad !== undefined && !bad.ok) problems.push(...placeAt(bad.problems, at));
  else problems.push(problem('OUT_OF_ZONE', at, `${text} is in no zone of the key: ${zones.join(', ')}`));
  return [];
}

function readType(text: string, at: BodyPlace, problems: Problem[]): string {
  const type = typeCode(text);
  if (type !== undefined && !isMetaType(type)) return typeName(type);
  const fix = 'write an unknown type as TYPE<number>; to allow all types, leave the list out';
  problems.push(problem('TYPE_UNKNOWN', at, `${JSON.stringify(text)} is not a type that a zone can have`, { fix }));
  return text;
}

function checkTtls(wanted: UpdateRightsText, at: BodyPlace, problems: Problem[]): void {
  const { ttlMin = 0, ttlMax = TTL_SECONDS_MAX } = wanted;
  const isTtl = (ttl: number): boolean => Number.isInteger(ttl) && ttl >= 0 && ttl <= TTL_SECONDS_MAX;
  if (isTtl(ttlMin) && isTtl(ttlMax) && ttlMin <= ttlMax) return;
  const text = `TTLs from ${ttlMin} to ${ttlMax}: seconds from 0 to ${TTL_SECONDS_MAX}, the lower one first`;
  problems.push(problem('TTL_RANGE', below(at, 'ttlMax'), text));
}
