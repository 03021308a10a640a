/** `/v1/events`: where a stream begins, what it shows to whom, and how many there are. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { EVENT_STREAMS_MAX } from '#base/limits/events.ts';
import { eventually, startEvents } from '../../support/admin/event-server.ts';
import { good } from '../../support/temporary-control.ts';

describe('where a stream begins', () => {
  test('now, unless it is said; with follow=0 it ends after what is kept', async () => {
    const { zone, open, all } = await startEvents();
    zone('a.test.');
    zone('b.test.');
    expect((await all('')).ids).toEqual(['zone 1', 'zone 2']);
    expect((await all('&after=1')).ids).toEqual(['zone 2']);
    expect((await all('', { 'last-event-id': '1' })).ids).toEqual(['zone 2']);
    expect((await all('&after=0', { 'last-event-id': '2' })).ids).toEqual([]);
    const { said, headers } = await open();
    await eventually(() => said.text.includes('id: 2\n\n'));
    expect(headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    expect(said.text).toBe('retry: 2000\nid: 2\n\n');
    zone('c.test.');
    await eventually(() => said.text.includes('event: zone'));
    expect(said.text).not.toContain('a.test.');
  });

  test('with everything, after a gap, for an id that never was; with 400 for what is no id', async () => {
    const { zone, open, all } = await startEvents();
    zone('a.test.');
    const { ids, text } = await all('', { 'last-event-id': '500' });
    expect(ids).toEqual(['gap 0', 'zone 1']);
    expect(text).toContain('"reason":"unknown","lastEventId":500');
    expect((await open('', { 'last-event-id': 'one' })).status).toBe(400);
    expect((await open('?after=-1')).status).toBe(400);
    expect((await open('?what=1')).status).toBe(400);
  });
});

describe('what is shown', () => {
  test('of zones, kinds and machines; ids of what is left out are passed on too', async () => {
    const { events, zone, all } = await startEvents();
    zone('example.com.');
    events.add({ kind: 'mail', event: 'step', zone: 'example.com.', machine: 'dkim', object: 'e1', text: '' });
    events.add({ kind: 'mail', event: 'step', zone: 'example.com.', machine: 'tlsa', object: 't1', text: '' });
    events.add({ kind: 'alert', event: 'DISK', text: 'full' });
    zone('other.test.');
    expect((await all('&zone=EXAMPLE.com')).ids).toEqual(['zone 1', 'mail 2', 'mail 3']);
    expect((await all('&kind=zone')).ids).toEqual(['zone 1', 'zone 5']);
    const { ids, text } = await all('&machine=dkim');
    expect(ids).toEqual(['mail 2']);
    expect(text.endsWith('id: 5\n\n')).toBe(true);
  });

  test('a token of one zone sees that zone, one of a signer and none at all see nothing', async () => {
    const { control, events, zone, open, all, tokens } = await startEvents();
    zone('example.com.');
    zone('other.test.');
    events.add({ kind: 'alert', event: 'DISK', text: 'full' });
    events.add({ kind: 'import', event: 'progress', zone: 'new.test.', text: 'reading the file', stage: 'reading' });
    expect((await all('', {}, 'read')).ids).toHaveLength(4);
    expect((await all('', {}, 'zone')).ids).toEqual(['zone 1']);
    expect((await all('', {}, 'other')).ids).toEqual(['zone 2']);
    expect((await open('?zone=other.test', {}, 'zone')).status).toBe(403);
    expect((await open('', { authorization: 'Bearer no' })).status).toBe(401);
    const signer = good(await control.tokens.create({ name: 's', scopes: ['signer:mx'] }, { kind: 'system', id: 'test', from: '' }));
    expect((await open('', { authorization: `Bearer ${signer.secret}` })).status).toBe(403);
    expect(Object.keys(tokens)).toHaveLength(4);
  });
});

test('a token of one zone gets a quarter of the streams; the administrator and other tokens get theirs', async () => {
  const { open } = await startEvents();
  const streams = await Promise.all(Array.from({ length: EVENT_STREAMS_MAX }, () => open('', {}, 'zone')));
  expect(streams.filter(({ status }) => status === 200)).toHaveLength(EVENT_STREAMS_MAX / 4);
  expect(streams.at(-1)).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
  expect((await open()).status).toBe(200);
  expect((await open('', {}, 'other')).status).toBe(200);
});

test('503 when too many streams are open, until one of them ends', async () => {
  const { open } = await startEvents();
  const streams = await Promise.all(Array.from({ length: EVENT_STREAMS_MAX }, () => open()));
  expect(streams.every(({ status }) => status === 200)).toBe(true);
  expect(await open()).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
  streams[0]!.close();
  let status: number | undefined;
  for (let left = 50; left > 0 && status !== 200; left--) {
    await delay(10);
    ({ status } = await open());
  }
  expect(status).toBe(200);
});
