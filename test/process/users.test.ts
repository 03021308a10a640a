/** Users by name and number, and who may name which. */
import { describe, expect, test } from 'vitest';
import { findAccount, findAccounts } from '#process/users.ts';
import { bad, good } from '../support/temporary-control.ts';

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nwaxseal:x:971:970::/var/lib/waxseal:/usr/sbin/nologin\nanswers:x:972:972::/:/bin/false\n';

describe('a user as it is written', () => {
  test.each([
    ['waxseal', { uid: 971, gid: 970 }],
    ['971', { uid: 971, gid: 970 }],
    ['971:5', { uid: 971, gid: 5 }],
    // As in containers, whose users need no entry.
    ['65532', { uid: 65_532, gid: 65_532 }],
    ['root', { uid: 0, gid: 0 }],
    ['nobody', undefined],
    ['', undefined],
    ['-1', undefined],
    ['waxseal:5', undefined],
    // The number that means "none".
    ['4294967295', undefined],
    ['99999999999', undefined],
  ])('%j', (text, account) => {
    expect(findAccount(text, PASSWD)).toEqual(account);
  });
});

describe('whom the processes become', () => {
  const find = (user: string | undefined, answerUser: string | undefined, uid: number) =>
    findAccounts({ user, answerUser, confine: 'auto' }, { uid, file: undefined, passwd: PASSWD });

  test('of root: those that are named', () => {
    expect(good(find(undefined, undefined, 0))).toEqual({ server: undefined, answer: undefined });
    expect(good(find('waxseal', 'answers', 0))).toEqual({ server: { uid: 971, gid: 970 }, answer: { uid: 972, gid: 972 } });
    expect(good(find('waxseal', undefined, 0))).toEqual({ server: { uid: 971, gid: 970 }, answer: undefined });
    // The same one is none of its own.
    expect(good(find('waxseal', '971', 0))).toEqual({ server: { uid: 971, gid: 970 }, answer: undefined });
  });

  test('of a user: only itself', () => {
    expect(good(find('waxseal', 'waxseal', 971))).toEqual({ server: undefined, answer: undefined });
    expect(bad(find('waxseal', 'answers', 971))).toMatchObject([
      {
        code: 'PROCESS_USER',
        message: 'process.answer_user: "answers" is another user than that of the server (uid 971)',
        fix: 'start the server as root',
      },
    ]);
  });

  test('all problems at once', () => {
    expect(bad(find('nobody', 'root', 0)).map(({ message }) => message)).toEqual([
      'process.user: "nobody" is not a user of this machine',
      'process.answer_user: "root" is root',
    ]);
  });
});
