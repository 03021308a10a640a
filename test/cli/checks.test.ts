/** What the checks say of records that are an error at every receiver, and that they exit with 6 for each; over a real control process's parts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { ipPort } from '#base/address.ts';
import { run } from '../support/cli-server.ts';
import { MAIL_ZONE_TEXT, temporaryControl } from '../support/temporary-control.ts';

/** Texts at names of post.example. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  good: ['v=spf1 mx:post.example -all'],
  nothing: ['hello'],
  two: ['v=spf1 mx -all', 'v=spf1 a -all'],
  bad: ['v=spf1 foo:bar -all'],
  'to-nothing': ['v=spf1 include:nothing.post.example -all'],
  'to-two': ['v=spf1 include:two.post.example -all'],
  'to-bad': ['v=spf1 redirect=bad.post.example'],
  'to-near': ['v=spf1 include:semicolon.post.example -all'],
  loop: ['v=spf1 include:loop.post.example -all'],
  over: [`v=spf1 ${Array.from({ length: 11 }, (_, at) => `a:h${at % 2}.post.example`).join(' ')} -all`],
  void: ['v=spf1 a:g1.post.example a:g2.post.example a:g3.post.example -all'],
  sign: ['v=spf1 include=good.post.example -all'],
  semicolon: ['v=spf1; mx -all'],
  blank: [' v=spf1 mx -all'],
  quotes: ['"v=spf1 mx -all"'],
  joined: ['v=spf1include:good.post.example -all'],
  version: ['v=spf 1 mx -all'],
  behind: ['mail v=spf1 mx -all'],
};

const line = (owner: string, text: string) => `${owner} 60 TXT "${text.replaceAll('"', '\\"')}"\n`;

/** Commands to a server with all of them, each also at the apex of a zone `<owner>.check`, since `mail check` looks at a zone. */
async function server() {
  const data = mkdtempSync(join(tmpdir(), 'waxseal-checks-'));
  const room = temporaryControl();
  const records = Object.entries(TEXTS).flatMap(([owner, texts]) => texts.map((text) => line(owner, text)));
  await room.load('post.example.', `${MAIL_ZONE_TEXT}h0 60 A 192.0.2.1\nh1 60 A 192.0.2.1\n${records.join('')}`);
  for (const [owner, texts] of Object.entries(TEXTS)) {
    const own = texts.map((text) => line('@', text)).join('');
    await room.load(`${owner}.check.`, `${MAIL_ZONE_TEXT}${own}_dmarc 60 TXT "v=DMARC1; p=reject"\n`);
  }
  const app = await buildAdmin({ control: room.control });
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: join(data, 'admin.sock') });
  onTestFinished(async () => {
    await listeners.close(0);
    rmSync(data, { recursive: true });
  });
  return (...words: readonly string[]) => run([...words, '--data', data]);
}

const errorsOf = (err: string) =>
  [...err.matchAll(/^waxseal: error: (.*) \[(\w+)\]$/gm)].map(([, text, code]) => ({ text: text!, code: code! }));

const ERRORS: readonly (readonly [string, string, RegExp])[] = [
  ['two', 'SPF_MULTIPLE', /more than one SPF record, which is an error at every receiver/],
  ['bad', 'SPF_TERM', /"foo:bar": there is no such mechanism/],
  ['to-nothing', 'SPF_INCLUDE', /nothing\.post\.example has no SPF record/],
  ['to-two', 'SPF_INCLUDE', /two\.post\.example has more than one SPF record/],
  ['to-bad', 'SPF_INCLUDE', /the record of bad\.post\.example is not well formed/],
  ['to-near', 'SPF_INCLUDE', /has no SPF record: a permerror; "v=spf1; mx -all" is meant as one/],
  ['loop', 'SPF_LOOP', /stands above itself/],
  ['over', 'SPF_LOOKUPS', /11 look-ups, at most 10/],
  ['void', 'SPF_VOIDS', /3 terms find nothing/],
  ['sign', 'SPF_SIGN', /"include=good\.post\.example" is read as a modifier/],
  ['semicolon', 'TXT_NEAR_MISS', /"v=spf1; mx -all" is meant as one, and is none/],
  ['blank', 'TXT_NEAR_MISS', /" v=spf1 mx -all" .*blanks or quotes/],
  ['quotes', 'TXT_NEAR_MISS', /"\\"v=spf1 mx -all\\"" .*blanks or quotes/],
  ['joined', 'TXT_NEAR_MISS', /"v=spf1include:good.* no blank follows v=spf1/],
  ['version', 'TXT_NEAR_MISS', /"v=spf 1 mx -all" .*version/],
  ['behind', 'TXT_NEAR_MISS', /"mail v=spf1 mx -all" .*before v=/],
];

test.each(['check', 'tree'])('spf %s: each error at every receiver is told with its text, and exits with 6', async (verb) => {
  const cli = await server();
  for (const [domain, code, text] of ERRORS) {
    const { exit, err } = await cli('spf', verb, `${domain}.post.example`);
    const told = errorsOf(err).filter((each) => each.code === code);
    expect([domain, exit, ...told.map((each) => each.text)]).toEqual([domain, 6, expect.stringMatching(text)]);
  }
  for (const domain of ['good', 'nothing']) expect(await cli('spf', verb, `${domain}.post.example`)).toMatchObject({ exit: 0, err: '' });
});

test('spf check of a client: RFC 7208 §2.6.7, a permerror exits with 6; a result that is none does not', async () => {
  const cli = await server();
  const result = async (domain: string) => {
    const { exit, out } = await cli('spf', 'check', `${domain}.post.example`, '--ip', '203.0.113.1');
    return [domain, exit, /^result +(\w+)/m.exec(out)?.[1]];
  };
  for (const domain of ['two', 'bad', 'to-nothing', 'to-two', 'to-bad', 'to-near', 'loop', 'over', 'void'])
    expect(await result(domain)).toEqual([domain, 6, 'permerror']);
  expect(await result('good')).toEqual(['good', 0, 'fail']);
  expect(await result('nothing')).toEqual(['nothing', 0, 'none']);
});

test('mail check: each is an error, no code twice, and exits with 6; what is only missing is a warning', async () => {
  const cli = await server();
  for (const [domain] of ERRORS) {
    const { exit, out, err } = await cli('mail', 'check', `${domain}.check`);
    const codes = errorsOf(err).map(({ code }) => code);
    expect([domain, exit, out]).toEqual([domain, 6, expect.stringContaining('has errors')]);
    expect([domain, codes]).toEqual([domain, [...new Set(codes)]]);
    expect(err).not.toContain('MAIL_RECORD_MISSING');
  }
  const { exit, err } = await cli('mail', 'check', 'nothing.check');
  expect([exit, err]).toEqual([0, expect.stringContaining('waxseal: warning: nothing.check. TXT: there is no SPF record')]);
});
