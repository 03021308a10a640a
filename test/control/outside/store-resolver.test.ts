/** Our own zones answer look-ups from the store; what is not ours goes outside. */
import { describe, expect, test } from 'vitest';
import { storeResolver } from '#control/outside/store-resolver.ts';
import { nameOf } from '#dns/name.ts';
import { CLASS, TYPE } from '#dns/types.ts';
import { lookup, zoneSet } from '#zone/lookup.ts';
import { BASE, zoneOf } from '../../support/mail/mail-domain.ts';
import { tableResolver } from '../../support/table-resolver.ts';

const ZONE = zoneOf([...BASE, 'alias 60 CNAME mx1', 'out 60 CNAME mx.example.net.', 'child 60 NS ns.child']);
const OUTSIDE = tableResolver({ 'mx.example.net': { a: ['192.0.2.1'] }, 'www.child.example.com': { a: ['192.0.2.2'] } });
const resolver = storeResolver(
  (name, type) => lookup(zoneSet([{ view: ZONE, signed: false }]), { name, type, class: CLASS.IN }, false),
  OUTSIDE,
);
const ask = (name: Uint8Array, type: number) => resolver.lookup(name, type);
const kindOf = async (name: string, type: number) => (await ask(nameOf(name), type)).kind;

describe('a name of ours', () => {
  test('RFC 1034 §4.3.2 step 3a: an alias is followed, in the zone and out of it', async () => {
    expect(await ask(nameOf('alias.example.com'), TYPE.A)).toMatchObject({ kind: 'answer', rdatas: [Uint8Array.of(192, 0, 2, 25)] });
    expect(await ask(nameOf('out.example.com'), TYPE.A)).toMatchObject({ kind: 'answer', rdatas: [Uint8Array.of(192, 0, 2, 1)] });
  });

  test('but not where the alias itself is asked for', async () => {
    expect(await ask(nameOf('alias.example.com'), TYPE.CNAME)).toMatchObject({ kind: 'answer', rdatas: [nameOf('mx1.example.com')] });
    expect(await kindOf('mx1.example.com', TYPE.CNAME)).toBe('nodata');
  });

  test('that does not exist, or has no such records', async () => {
    expect(await kindOf('gone.example.com', TYPE.A)).toBe('nxdomain');
    expect(await kindOf('mx1.example.com', TYPE.AAAA)).toBe('nodata');
  });
});

test('what is delegated, and what is not ours, is asked outside', async () => {
  expect(await kindOf('www.child.example.com', TYPE.A)).toBe('answer');
  expect(await kindOf('mx.example.net', TYPE.A)).toBe('answer');
  expect(await kindOf('gone.example.net', TYPE.A)).toBe('nxdomain');
});
