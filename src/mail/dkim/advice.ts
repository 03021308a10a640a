/**
 * Values of a DKIM key record that are lawful and can only be mistakes for mail.
 * Implements: RFC 6376 §3.6.1 ("s=", "t=y"), RFC 8460 §3 (`s=tlsrpt`: a key for reports alone).
 * Not here: the form of the record (record.ts), the size of keys (key.ts).
 */
import { atTag } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type DkimRecord } from './record-type.ts';
import { parseDkim } from './record.ts';

const RFC = 'RFC 6376 §3.6.1';

/** The record with what its owner should know, or every problem found. */
export function reviewDkim(text: string): Result<DkimRecord> {
  const parsed = parseDkim(text);
  if (!parsed.ok) return parsed;
  const found = adviseDkim(parsed.value);
  const errors = found.filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? fail(...errors, ...parsed.warnings) : ok(parsed.value, [...parsed.warnings, ...found]);
}

function adviseDkim({ services, isTesting, publicKey }: DkimRecord): Problem[] {
  const problems: Problem[] = [];
  // A revoked key is for nothing, whatever else it says.
  if (publicKey.length === 0) return problems;
  if (services.length > 0 && !services.includes('email'))
    problems.push(
      (services.includes('tlsrpt') ? warning : problem)(
        'DKIM_SERVICE',
        atTag('s'),
        'excludes mail: verifiers ignore the key, and everything signed with it fails',
        { rfc: RFC, fix: 'leave s= out' },
      ),
    );
  if (isTesting)
    problems.push(
      warning('DKIM_FLAG', atTag('t'), 'says that the domain only tests (y): verifiers treat its mail as unsigned', {
        rfc: RFC,
        fix: 'leave t=y out when the key is in use',
      }),
    );
  return problems;
}
