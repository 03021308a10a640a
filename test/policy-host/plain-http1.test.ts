/** Plain requests, and the moment in which a connection goes over to Node's parser: nobody can tell from the answers. */
import { type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { HTTPS_REQUESTS_PER_CONNECTION_MAX } from '#base/limits/https.ts';
import { PATH, bodyOf, readAll, testPolicyHost } from '../support/policy-host.ts';

const HOST = 'mta-sts.one.example';
const BODY = bodyOf('one.example');
const get = (more = '', target = PATH) => `GET ${target} HTTP/1.1\r\nHost: ${HOST}\r\n${more}\r\n`;
const CLOSE = 'Connection: close\r\n';
/** Not plain. */
const VIA_PARSER = 'TE: trailers\r\n';

/** Writes each part after the answers before it have come: `answers` of them. */
async function talk(socket: TLSSocket, parts: readonly (readonly [octets: string, answers: number])[]): Promise<string> {
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
  const ended = new Promise((resolve) => void socket.once('close', resolve));
  let wanted = 0;
  for (const [octets, answers] of parts) {
    socket.write(octets);
    wanted += answers;
    await expect.poll(() => text.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0, { timeout: 10_000 }).toBe(wanted);
  }
  await ended;
  return text;
}

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
const withoutDate = (text: string) => text.replaceAll(/Date: [^\r]+/g, 'Date: -');

test('an answer is the same, whoever read the request', async () => {
  const { raw } = await testPolicyHost();
  for (const target of [PATH, '/none', `https://${HOST}${PATH}`, '*']) {
    const plain = await raw(get(CLOSE, target));
    const parsed = await raw(get(VIA_PARSER + CLOSE, target));
    expect(plain).toMatch(/^HTTP\/1\.1 (?:200|404) /);
    expect(withoutDate(plain).toLowerCase()).toBe(withoutDate(parsed).toLowerCase());
    expect(plain).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
  }
});

test('HEAD has the headers of GET and no body', async () => {
  const { raw } = await testPolicyHost();
  const head = await raw(get(CLOSE).replace('GET', 'HEAD'));
  expect(withoutDate(`${head}${BODY}`)).toBe(withoutDate(await raw(get(CLOSE))));
});

test('one connection: plain, repeated, plain of another kind, parsed, and plain again', async () => {
  const { shake, host, count } = await testPolicyHost();
  const text = await talk(await shake(HOST), [
    [get(), 1],
    [get(), 1],
    [get('', '/none'), 1],
    [get(VIA_PARSER), 1],
    [get(), 1],
    [get(CLOSE), 1],
  ]);
  expect(statuses(text)).toEqual([200, 200, 404, 200, 200, 200]);
  expect(text.endsWith(BODY)).toBe(true);
  expect(count('httpsStatus.200')).toBe(5);
  expect(count('httpsSecondsCount')).toBe(6);
  await expect.poll(() => host.connections.count, { timeout: 10_000 }).toBe(0);
});

test('a request in two parts, two requests in one, and one with the beginning of the next', async () => {
  const { shake } = await testPolicyHost();
  const whole = get();
  for (const at of [1, 10, whole.length - 3, whole.length - 1])
    expect(
      statuses(
        await talk(await shake(HOST), [
          [whole.slice(0, at), 0],
          [whole.slice(at) + get(CLOSE), 2],
        ]),
      ),
    ).toEqual([200, 200]);
  expect(statuses(await talk(await shake(HOST), [[get() + get('', '/none') + get(CLOSE), 3]]))).toEqual([200, 404, 200]);
  expect(
    statuses(
      await talk(await shake(HOST), [
        [get(), 1],
        [get() + whole.slice(0, 9), 1],
        [whole.slice(9).replace('\r\n\r\n', `\r\n${CLOSE}\r\n`), 1],
      ]),
    ),
  ).toEqual([200, 200, 200]);
});

test('what comes after the last request is not answered', async () => {
  const { raw } = await testPolicyHost();
  expect(statuses(await raw(get(CLOSE) + get()))).toEqual([200]);
});

test('a client that asks and does not read is held by what the kernel takes, and cut off when its time is over', async () => {
  const { shake, count, raw, host } = await testPolicyHost({ limits: { answerMs: 1_000, requestMs: 1_000 } });
  const socket = await shake(HOST);
  socket.pause();
  const timer = setInterval(() => socket.write(get()), 1);
  await expect.poll(() => host.connections.count, { timeout: 20_000 }).toBe(0);
  clearInterval(timer);
  expect(count('httpsLimit.answer_time') + count('httpsLimit.request_time') + count('httpsLimit.connections')).toBeLessThanOrEqual(1);
  expect((await raw(get(CLOSE))).endsWith(BODY)).toBe(true);
});

test(`after ${HTTPS_REQUESTS_PER_CONNECTION_MAX} requests the answer says that the connection closes, also when the parser has read some`, async () => {
  const { shake } = await testPolicyHost();
  for (const parsed of [0, 3]) {
    const socket = await shake(HOST);
    let count = 0;
    let text = '';
    socket.on('data', (part: Buffer) => {
      text = part.toString('latin1');
      count += text.match(/HTTP\/1\.1 200/g)?.length ?? 0;
      socket.write(get(count < HTTPS_REQUESTS_PER_CONNECTION_MAX - parsed ? '' : VIA_PARSER));
    });
    socket.write(get());
    await new Promise((resolve) => void socket.once('close', resolve));
    expect(count).toBe(HTTPS_REQUESTS_PER_CONNECTION_MAX);
    expect(text).toMatch(/connection: close/i);
  }
});

test('a drain: a connection at rest ends, one with an answer under way after it', async () => {
  const { shake, host } = await testPolicyHost();
  const resting = await shake(HOST);
  const answered = readAll(resting, 10_000);
  resting.write(get());
  await expect.poll(() => host.count()['httpsStatus.200'], { timeout: 10_000 }).toBe(1);
  host.connections.finishAll();
  expect((await answered).endsWith(BODY)).toBe(true);
  await expect.poll(() => host.connections.count, { timeout: 10_000 }).toBe(0);
});
