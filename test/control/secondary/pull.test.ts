/** One look at one primary: which questions follow from which answers. */
import { expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { TransferPlaces } from '#control/secondary/places.ts';
import { type PullOptions, pull } from '#control/secondary/pull.ts';
import { receivedZone } from '#zone/received-zone.ts';
import { type SoaAnswer } from '#control/secondary/ask-soa.ts';
import { type FetchFailure, type Fetched } from '#control/secondary/fetch-zone.ts';
import { ZONE, record, soa } from '../../support/transfer-messages.ts';
import { type ZoneRecord } from '#store/schema.ts';

const lines = (serial: number) => [soa(serial), '@ 60 NS ns', 'ns 60 A 192.0.2.1'].map(record);
const times = { createdAtMs: 0, changedAtMs: 0, revision: 1, nodeCount: 2 };
const zone: ZoneRecord = { id: 1, name: 'z.example.', dnssec: 'off', serial: 5, keys: [], secondary: { mode: 'copy' }, ...times };
const order = {
  server: ipPort('192.0.2.1', 53),
  key: undefined,
  apex: ZONE,
  record: zone,
  view: receivedZone(ZONE, lines(5)).zone,
  serial: 5,
  known: { ttl: 60, rdata: record(soa(5)).rdata },
};
const whole = (serial: number): Fetched => ({
  received: { kind: 'whole', serial, records: lines(serial) },
  expireSeconds: undefined,
  messages: 1,
  bytes: 100,
});

/** What was asked, and how it ended. */
function pulled(soaAnswer: SoaAnswer, ...fetched: readonly (Fetched | FetchFailure)[]) {
  return pulledOf(zone, soaAnswer, ...fetched);
}

async function pulledOf(of: ZoneRecord, soaAnswer: SoaAnswer, ...fetched: readonly (Fetched | FetchFailure)[]) {
  const asked: string[] = [];
  const answers = [...fetched];
  const options: PullOptions = {
    askSoa: () => Promise.resolve((asked.push('SOA'), soaAnswer)),
    fetchZone: ({ known }) => Promise.resolve((asked.push(known === undefined ? 'AXFR' : 'IXFR'), answers.shift()!)),
    inPlace: (_address, work) => work({ reserve: () => 'taken', signal: new AbortController().signal }),
    now: () => 0,
    signal: new AbortController().signal,
    recordsPerRrsetMax: 100,
  };
  const result = await pull({ ...order, record: of }, options);
  const said = 'failure' in result ? result.failure : `${result.kind} ${result.serial}`;
  return [asked.join(' '), said];
}

const newer = { serial: 6, expireSeconds: undefined };
const answered = (failure: string): FetchFailure => ({ failure, isAnswer: true });

test('RFC 1034 §4.3.5: nothing is transferred where nothing is newer (RFC 1982 §3.2)', async () => {
  expect(await pulled({ serial: 5, expireSeconds: 9 })).toEqual(['SOA', 'current 5']);
  expect(await pulled({ serial: 4, expireSeconds: undefined })).toEqual(['SOA', 'current 4']);
});

test('RFC 9432 §6: the SOA of a catalog is asked for with IXFR, because no query gets it', async () => {
  const current: Fetched = { ...whole(5), received: { kind: 'current', serial: 5 } };
  const refused = { failure: 'answers REFUSED', isSilent: false };
  expect(await pulledOf({ ...zone, isCatalog: true }, refused, current)).toEqual(['IXFR', 'current 5']);
});

test('RFC 1995 §2: IXFR first, AXFR where the primary does not have it or its steps are wrong', async () => {
  expect(await pulled(newer, whole(6))).toEqual(['SOA IXFR', 'new 6']);
  expect(await pulled(newer, answered('answers NOTIMP'), whole(6))).toEqual(['SOA IXFR AXFR', 'new 6']);
  const misfit: Fetched = { ...whole(6), received: { kind: 'differences', serial: 6, differences: [] } };
  expect(await pulled(newer, misfit, whole(6))).toEqual(['SOA IXFR AXFR', 'new 6']);
  expect(await pulled(newer, answered('answers NOTIMP'), answered('answers REFUSED'))).toEqual(['SOA IXFR AXFR', 'answers REFUSED']);
});

test('a primary that is silent over UDP is asked over TCP; one that answers otherwise, or is not there, is not asked more', async () => {
  expect(await pulled({ failure: 'does not answer', isSilent: true }, whole(6))).toEqual(['SOA IXFR', 'new 6']);
  expect(await pulled({ failure: 'answers REFUSED', isSilent: false })).toEqual(['SOA', 'answers REFUSED']);
  expect(await pulled(newer, { failure: 'ECONNREFUSED', isAnswer: false })).toEqual(['SOA IXFR', 'ECONNREFUSED']);
});

test('a whole zone that is not newer than what is here changes nothing', async () => {
  expect(await pulled(newer, whole(5))).toEqual(['SOA IXFR', 'current 5']);
});

test('the whole zone after differences that do not do has a place of its own: their memory is given back before', async () => {
  const places = new TransferPlaces({ max: 1, perAddressMax: 1, own: 0, shared: 10, keptMs: 0 }, () => 0);
  const reserved: string[] = [];
  const fetchZone: PullOptions['fetchZone'] = ({ known, reserve }) => {
    reserved.push(reserve!(8));
    return Promise.resolve(known === undefined ? whole(6) : answered('sends a difference of another zone'));
  };
  const result = await pull(order, {
    askSoa: () => Promise.resolve(newer),
    fetchZone,
    inPlace: (address, work) => places.use(address, work),
    now: () => 0,
    signal: new AbortController().signal,
    recordsPerRrsetMax: 100,
  });
  expect([result.kind, reserved, places.count]).toEqual(['new', ['taken', 'taken'], 0]);
});
