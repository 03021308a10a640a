/** Answers that break off in their middle: what came is not taken for the whole. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { callApi, openAnswer, untilItsEnd } from '#cli/api-client.ts';
import { CommandFailure } from '#cli/failure.ts';

/** Sends a part of an answer with this status, and no more. */
async function breakingOff(status: number, part: string) {
  const server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.write(part, () => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) };
}

const failureOf = (read: Promise<unknown>) =>
  read.then(
    () => undefined,
    (error: unknown) => (error instanceof CommandFailure ? error.problems[0] : error),
  );

test('a text, a document and a rejection that are cut are failures with a reason, not shorter answers', async () => {
  const path = ['zones'];
  const text = await openAnswer(await breakingOff(200, 'a.test. 60 IN A 192.0.2.1\n'), { path });
  const parts: string[] = [];
  const read = async () => {
    for await (const part of untilItsEnd(text.body)) parts.push(part.toString());
  };
  const cut = { code: 'CLI_SERVER', message: expect.stringContaining('in the middle of it'), fix: 'try again' };
  expect(await failureOf(read())).toMatchObject(cut);
  expect(parts).toEqual(['a.test. 60 IN A 192.0.2.1\n']);
  // JSON that is whole so far.
  expect(await failureOf(callApi(await breakingOff(200, '{"zones":[]}'), { path }))).toMatchObject(cut);
  expect(await failureOf(callApi(await breakingOff(422, '{"title":"x"'), { path }))).toMatchObject(cut);
  const changing = await failureOf(callApi(await breakingOff(200, '{'), { path, method: 'DELETE' }));
  expect(changing).toMatchObject({ code: 'CLI_SERVER' });
});
