/** The MTA-STS section of a policy: how long senders keep it. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { readPolicy } from '#mail/settle.ts';
import { APEX } from '../../support/mail/mail-domain.ts';

describe('RFC 8461 §3.2: max_age of weeks', () => {
  const found = (mtaSts: object) => {
    const read = readPolicy({ mtaSts: { mode: 'enforce', ...mtaSts } }, APEX);
    return (read.ok ? read.warnings : read.problems).map(({ severity, code, at }) => `${severity} ${code} ${formatPlace(at)}`);
  };
  test.each([
    [{ maxAge: '0s' }, 'error STS_MAX_AGE_SHORT /mtaSts/maxAge'],
    [{ maxAge: '1h' }, 'warning STS_MAX_AGE_SHORT /mtaSts/maxAge'],
    [{ maxAge: '6d' }, 'warning STS_MAX_AGE_SHORT /mtaSts/maxAge'],
    [{ shortMaxAge: '10m' }, 'warning STS_MAX_AGE_SHORT /mtaSts/shortMaxAge'],
    [{ mode: 'testing', shortMaxAge: '0s' }, 'error STS_MAX_AGE_SHORT /mtaSts/shortMaxAge'],
  ])('%j', (mtaSts, problem) => expect(found(mtaSts)).toEqual([problem]));

  test('is as usual, or of no policy of ours', () => {
    expect(found({ maxAge: '1w', shortMaxAge: '1d' })).toEqual([]);
    expect(found({ mode: 'off', maxAge: '0s' })).toEqual([]);
  });
});
