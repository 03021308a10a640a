/** Files of cookie secrets, as the supervisor reads them at the start and after HUP. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { readCookieSecrets } from '#process/cookie-files.ts';
import { temporaryFolder } from '../support/temporary-store.ts';

function file(name: string, text: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

test('one secret or two, current one first, in the ways of BIND and Knot', () => {
  const [bind, knot] = ['07'.repeat(16), `0x${'08'.repeat(16)}`];
  expect(readCookieSecrets({ secretFile: file('a', bind) })).toMatchObject({ ok: true, value: [bind] });
  expect(readCookieSecrets({ secretFile: file('a', bind), previousSecretFile: file('b', ` ${knot}\n`) })).toMatchObject({
    ok: true,
    value: [bind, knot],
  });
});

test('all problems of both files at once', () => {
  const [none, short] = [join(temporaryFolder(), 'none'), file('short', 'abcd')];
  const read = readCookieSecrets({ secretFile: none, previousSecretFile: short });
  expect(read.ok ? [] : read.problems.map((each) => `${each.code} ${formatPlace(each.at)}`)).toEqual([
    `COOKIE_SECRET_FILE ${none}`,
    `COOKIE_SECRET_FILE ${short}`,
  ]);
});
