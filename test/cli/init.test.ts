/** `waxseal init`: a first zone, by flags or in a dialogue, and what comes next. */
import { describe, expect, test } from 'vitest';
import { runProgram } from '#cli/program.ts';
import { useServer } from '../support/cli-server.ts';

const server = useServer();

test('by flags: the zone with its name servers, and what is left to do, in an order that breaks nothing', async () => {
  const servers = ['--nameserver', 'ns1.first.test=192.0.2.53,2001:db8::53', 'ns2.example.net'];
  const planned = await server.cli('init', 'first.test', ...servers, '--dry-run');
  expect([planned.exit, planned.out]).toEqual([0, expect.stringContaining('first.test would be created')]);
  const { exit, out, err } = await server.cli('init', 'first.test', ...servers);
  expect([exit, err]).toEqual([0, '']);
  expect(out).toMatch(/1\. At the registrar.*ns1\.first\.test {2}\(192\.0\.2\.53, 2001:db8::53\).*ns2\.example\.net/s);
  expect(out).toMatch(/2\..*waxseal zone check-delegation first\.test.*3\..*DS record.*first\.test\. 3600 IN DS/s);
  const file = await server.cli('zone', 'export', 'first.test');
  for (const line of [/NS\tns2\.example\.net\./, /A\t192\.0\.2\.53/, /AAAA\t2001:db8::53/])
    expect(file.out.replaceAll(/[ \t]+/g, '\t')).toMatch(line);
});

test('never in place of a zone that is there', async () => {
  const before = (await server.cli('zone', 'export', 'example.com')).out;
  const again = await server.cli('init', 'example.com', '--nameserver', 'ns.example.net');
  expect([again.exit, again.err]).toEqual([4, expect.stringContaining('exists already')]);
  expect((await server.cli('zone', 'export', 'example.com')).out).toBe(before);
});

test.each([
  [['init', 'a.test'], 'ns1.a.test is in a.test and needs an address'],
  [['init', 'a.test', '--nameserver', 'ns1.a.test=192.0.2'], '"192.0.2" is no IP address'],
  [['init', 'a.test', '--nameserver', 'ns.example.net=192.0.2.1'], 'its addresses stand in its own zone'],
  [['init', 'a b'], 'is not a domain'],
  [['init'], 'no operator can be asked here'],
])('%j is a usage error', async (words, text) => {
  expect(await server.cli(...words)).toMatchObject({ exit: 2, err: expect.stringContaining(text) });
});

describe('in a dialogue', () => {
  test('asks for the domain, its name servers, and the addresses of those in it', async () => {
    const questions: string[] = [];
    const answers = ['dialogue.test', 'ns1.dialogue.test ns2.example.net', '192.0.2.1'];
    const texts = { out: '', err: '' };
    const exit = await runProgram(['init', '--data', server.data, '--no-dnssec'], {
      environment: {},
      workingDirectory: '/',
      out: (text) => void (texts.out += text),
      err: (text) => void (texts.err += text),
      interactive: true,
      ask: () => Promise.resolve(false),
      prompt: (question) => {
        questions.push(question);
        return Promise.resolve(answers.shift() ?? '');
      },
    });
    expect([exit, texts.err]).toEqual([0, '']);
    expect(questions).toEqual(['Domain: ', 'Name servers, with blanks between [ns1.dialogue.test]: ', 'Addresses of ns1.dialogue.test: ']);
    expect(texts.out).toContain('dialogue.test is served here');
    expect(texts.out).not.toContain('DS record');
  });
});
