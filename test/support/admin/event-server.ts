/** `/v1/events` behind a real listener, in front of a journal in memory. */
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { watchAnswers } from './documented-answers.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { EVENT_TIMES, type EventTimes } from '#admin/v1/event-stream.ts';
import { ipPort } from '#base/address.ts';
import { fakeWithZone } from './fake-control.ts';

export async function startEvents(eventTimes: EventTimes = EVENT_TIMES) {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control, eventTimes });
  watchAnswers(app);
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined });
  onTestFinished(() => {
    control.events.close();
    return listeners.close(0);
  });
  const port = Number(listeners.address.split(':')[1]);
  const { events } = control;
  const zone = (name: string, text = 'serial 2') => events.add({ kind: 'zone', event: 'changed', zone: name, text });

  /** An answer as it comes; it goes when the test ends. */
  const open = async (query = '', headers: Record<string, string> = {}, token: keyof typeof tokens = 'admin') => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path: `/v1/events${query}`,
      agent: false,
      headers: { authorization: `Bearer ${tokens[token]}`, ...headers },
    });
    onTestFinished(() => void asked.destroy());
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve).once('error', reject).end();
    });
    const said = { text: '', isEnded: false };
    answer.setEncoding('utf8').on('data', (text: string) => (said.text += text));
    answer.once('close', () => (said.isEnded = true)).on('error', () => undefined);
    return { status: answer.statusCode, headers: answer.headers, said, close: () => asked.destroy() };
  };
  /** The whole of what is kept. */
  const all = async (query: string, headers: Record<string, string> = {}, token: keyof typeof tokens = 'admin') => {
    const { said, status } = await open(`?follow=0${query}`, headers, token);
    await eventually(() => said.isEnded);
    return { status, text: said.text, ids: [...said.text.matchAll(/^id: (\d+)\nevent: (\w+)/gm)].map(([, id, kind]) => `${kind} ${id}`) };
  };
  return { control, events, tokens, listeners, port, zone, open, all };
}

export async function eventually(holds: () => boolean): Promise<void> {
  for (let left = 1000; !holds(); left--) {
    if (left === 0) throw new Error('it did not happen in time');
    await delay(5);
  }
}
