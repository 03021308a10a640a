/** The line of a large import: what it says, and where there is none. */
import { type RequestListener, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { duringImport } from '#cli/import-progress.ts';
import { type Terminal } from '#cli/terminal.ts';

const LARGE = '; a long line of a zone file\n'.repeat(4000);

const event = (id: number, text: string, what = 'progress') =>
  `id: ${id}\nevent: import\ndata: ${JSON.stringify({ id, at: '', kind: 'import', event: what, zone: 'example.com.', text })}\n\n`;

async function bench(answer: RequestListener) {
  const asked: (string | undefined)[] = [];
  let [open, closed] = [0, 0];
  const server = createServer((request, response) => {
    asked.push(request.url);
    open++;
    response.once('close', () => closed++);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const texts: string[] = [];
  let [interrupt, err] = [() => {}, ''];
  const terminal: Terminal = {
    environment: {},
    workingDirectory: '/',
    out: () => {},
    err: (text) => void (err += text),
    interactive: true,
    ask: () => Promise.resolve(false),
    prompt: () => Promise.resolve(''),
    statusLine: { show: (text) => void texts.push(text) },
    onInterrupt: (stopped) => {
      interrupt = stopped;
      return () => (interrupt = () => {});
    },
  };
  const address = { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) };
  const { promise: answered, resolve: answerImport } = Promise.withResolvers<string>();
  const during = (text: string, options: object = {}, at: Terminal = terminal) =>
    duringImport({ zone: 'example.com', text }, options, at)(address, () => answered);
  return {
    during,
    terminal,
    asked,
    texts,
    answerImport,
    interrupt: () => interrupt(),
    err: () => err,
    isOver: async () => await expect.poll(() => open === closed).toBe(true),
  };
}

test('says where the import is, in one line that is free again before the result is printed', async () => {
  const { during, asked, texts, answerImport, isOver } = await bench((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`retry: 2000\nid: 0\n\n${event(1, 'signing, 1 of 9 signatures')}`);
  });
  const imported = during(LARGE);
  await expect.poll(() => texts.at(-1), { timeout: 5000 }).toMatch(/^example\.com: signing, 1 of 9 signatures \(\d+ s; Ctrl-C ends it\)$/);
  answerImport('done');
  expect(await imported).toBe('done');
  expect(texts.at(-1)).toBe('');
  expect(asked).toEqual(['/v1/events?zone=example.com&kind=import&follow=1']);
  await isOver();
});

test('a token that may see no events: the line says how long it has lasted, and the import is made', async () => {
  const { during, texts, answerImport } = await bench((_request, response) => response.writeHead(403).end('{}'));
  const imported = during('$GENERATE 1-9 h$ A 192.0.2.1\n');
  await expect.poll(() => texts.at(-1), { timeout: 5000 }).toMatch(/^example\.com: sent \([12] s; Ctrl-C ends it\)$/);
  answerImport('done');
  expect(await imported).toBe('done');
  expect(texts.at(-1)).toBe('');
});

test('Ctrl-C: what becomes of the import is said, on a line that is free', async () => {
  const { during, texts, err, interrupt, answerImport } = await bench((_request, response) => response.writeHead(200).flushHeaders());
  const imported = during(LARGE);
  interrupt();
  expect(texts.at(-1)).toBe('');
  expect(err()).toBe(
    'waxseal: stopped: the server ends the import of example.com and changes nothing, unless it was written already; ' +
      'see: waxseal zone history example.com\n',
  );
  answerImport('');
  await imported;
  // It is the command's again.
  interrupt();
  expect(err().match(/stopped/g)).toHaveLength(1);
});

test.each([
  ['with --json', { json: true }, LARGE, {}],
  ['on a dry run', { dryRun: true }, LARGE, {}],
  ['of a small file', {}, '@ A 192.0.2.1\n', {}],
  ['where no terminal is', {}, LARGE, { statusLine: undefined }],
])('no line and no request %s', async (_where, options, text, { ...without }) => {
  const { during, terminal, asked, texts, answerImport } = await bench((_request, response) => response.end());
  const { statusLine, ...rest } = terminal;
  const at: Terminal = 'statusLine' in without ? rest : { ...rest, ...(statusLine && { statusLine }) };
  answerImport('done');
  expect(await during(text, options, at)).toBe('done');
  expect([asked, texts]).toEqual([[], []]);
});
