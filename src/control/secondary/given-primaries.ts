/** Primaries as a command gives them: checked, and as they are kept. */
import { isIP } from 'node:net';
import { PRIMARIES_PER_ZONE_MAX } from '#base/limits/transfer.ts';
import { type Place, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type Primary, type PrimaryTls } from '#store/transfer/primaries.ts';
import { type TsigKeyInfo } from '#control/api/transfer.ts';
import { canonicalIp, keyProblems } from '#control/transfer/secondaries.ts';
import { pinProblems } from '#control/transfer/tls-pins.ts';

export interface GivenPrimaries {
  readonly zone: Name;
  readonly primaries: readonly Primary[];
}

/** As they are kept, or everything that is wrong; `at`: the pointer of what has them in the body. */
export function readGivenPrimaries(
  { zone, primaries }: GivenPrimaries,
  keys: readonly TsigKeyInfo[],
  at = '',
): Result<readonly Primary[]> {
  const problems: Problem[] = [];
  const many = `a zone has 1 to ${PRIMARIES_PER_ZONE_MAX} primaries`;
  if (primaries.length === 0 || primaries.length > PRIMARIES_PER_ZONE_MAX)
    return fail(problem('PRIMARIES_MANY', inBody(`${at}/primaries`), many));
  const read = primaries.map(({ ip: text, port, key, tls }, index): Primary => {
    const ip = canonicalIp(text);
    const place = inBody(`${at}/primaries/${index}/address`);
    if (ip === undefined) problems.push(problem('FIELD_VALUE', place, `${JSON.stringify(text)} is no IP address`));
    const keyPlace = inBody(`${at}/primaries/${index}/key`);
    if (key !== undefined) problems.push(...keyProblems(key, zone, keys).map((each) => ({ ...each, at: keyPlace })));
    if (tls !== undefined) problems.push(...tlsProblems(tls, `${at}/primaries/${index}`));
    return { ip: ip ?? text, port, ...(key === undefined ? {} : { key }), ...(tls === undefined ? {} : { tls }) };
  });
  for (const [index, { ip, port }] of read.entries())
    if (read.findIndex((each) => each.ip === ip && each.port === port) < index)
      problems.push(problem('FIELD_VALUE', inBody(`${at}/primaries/${index}/address`), `${ip} is there twice`));
  return problems.length > 0 ? fail(...problems) : ok(read);
}

/** RFC 9103 §9.3: a primary that is asked over TLS proves who it is. */
function tlsProblems({ host, pins, certificate }: PrimaryTls, at: string): readonly Problem[] {
  const place = (field: string) => inBody(`${at}/tls${field}`);
  const problems = [...hostProblems(host, place('/host')), ...hostProblems(certificate, place('/certificate'))];
  if (pins !== undefined) problems.push(...pinProblems(pins, place('/pins')));
  if (host !== undefined || pins !== undefined) return problems;
  const fix = 'give the name in its certificate, or a pin of its key';
  return [problem('FIELD_VALUE', place(''), 'nothing says who the primary is', { rfc: 'RFC 9103 §9.3', fix })];
}

const HOST = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62})?)*$/;

/** RFC 6066 §3: a server name is no address. */
function hostProblems(host: string | undefined, place: Place): readonly Problem[] {
  if (host === undefined || (HOST.test(host) && isIP(host) === 0)) return [];
  return [problem('FIELD_VALUE', place, `${JSON.stringify(host)} is no name of a host`)];
}
