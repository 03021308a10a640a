/** Searches by the index find what a look at every name finds, in the same order, whatever has changed and however far it is. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Searched, type Wanted, search, textMatcher } from '#admin/search/search.ts';
import { type Identity, SOCKET_IDENTITY } from '#admin/http/identity.ts';
import { nameText } from '#admin/http/names.ts';
import type { IndexQuestion, SearchPlace } from '#control/api/search.ts';
import type { Command } from '#control/api/control.ts';
import { ContentIndex, type ContentIndexLimits } from '#control/search/content-index.ts';
import { Finder } from '#control/search/find.ts';
import { wantedContents } from '#control/search/node-text.ts';
import { nameOf } from '#dns/name.ts';
import { formatRdata, typeCode, typeName } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { ALIAS_KIND } from '#store/alias/aliases.ts';
import { openReader } from '#store/reader.ts';
import { type TestControl, temporaryControl } from '../../support/temporary-control.ts';

interface Room extends TestControl {
  readonly index: ContentIndex;
  /** Looks at every name. */
  readonly plain: Searched;
  /** Asks the index. */
  readonly indexed: Searched;
  readonly questions: IndexQuestion[];
}

/** The index in this process, with small parts. */
function room(limits: ContentIndexLimits = { ownNames: 8, changedNamesMin: 6 }): Room {
  const made = temporaryControl();
  const { zones } = made.control;
  const index = new ContentIndex(openReader(made.dir), limits);
  const finder = new Finder(index);
  const questions: IndexQuestion[] = [];
  const aliasZones = new Set<number>();
  made.writer.onCommit((writes) => {
    for (const { documents = [] } of writes)
      for (const { kind, zoneId } of documents) if (kind === ALIAS_KIND) aliasZones.add(zoneId);
  });
  const find = async (question: IndexQuestion) => {
    questions.push(question);
    index.follow();
    index.noteAliases([...aliasZones]);
    aliasZones.clear();
    return structuredClone(finder.find(structuredClone(question)));
  };
  const read = {
    after: zones.after.bind(zones),
    atOrBelow: zones.atOrBelow.bind(zones),
    byKey: zones.byKey.bind(zones),
    shown: zones.shown.bind(zones),
  };
  const none = { find: () => Promise.resolve(undefined) };
  return {
    ...made,
    index,
    questions,
    plain: { zones: { ...read, contents: none } },
    indexed: { zones: { ...read, contents: { find } } },
  };
}

interface Asked {
  readonly pattern?: string;
  readonly isWhole: boolean;
  readonly type?: string;
  readonly manager?: string;
  readonly below?: string;
}

/** As the routes ask. */
function wantedOf({ pattern, isWhole, type, manager, below }: Asked): Wanted {
  const isIn = pattern === undefined ? () => true : textMatcher(pattern, isWhole);
  const code = type === undefined ? undefined : typeCode(type);
  const contents = wantedContents(pattern === undefined ? undefined : { text: pattern, isWhole }, {
    type: code,
    manager,
  });
  return {
    ...(contents === undefined ? {} : { contents }),
    ...(below === undefined ? {} : { below: nameOf(below) }),
    matches: (owner, rrset) =>
      rrset.type !== TYPE.NSEC &&
      (code === undefined || rrset.type === code) &&
      (manager === undefined || rrset.manager === manager) &&
      (isIn(nameText(owner)) ||
        isIn(nameText(owner).slice(0, -1)) ||
        rrset.rdatas.some((rdata) => isIn(formatRdata(rrset.type, rdata)))),
  };
}

async function allPages(
  searched: Searched,
  identity: Identity,
  wanted: Wanted,
  limits: { readonly limit: number; readonly namesMax?: number },
): Promise<readonly string[]> {
  const lines: string[] = [];
  let from: SearchPlace | undefined;
  let pages = 0;
  do {
    const page = await search(searched, identity, wanted, { from, ...limits });
    lines.push(
      ...page.found.map(({ zone, owner, rrset }) => `${zone.name} ${nameText(owner)} ${typeName(rrset.type)}`),
    );
    from = page.next;
    expect(++pages).toBeLessThan(500);
  } while (from !== undefined);
  return lines;
}

async function expectSame(
  { plain, indexed }: Room,
  asked: Asked,
  limits: { limit: number; namesMax?: number },
  identity = SOCKET_IDENTITY,
) {
  const wanted = wantedOf(asked);
  const expected = await allPages(plain, identity, wanted, { limit: 1000 });
  expect(await allPages(indexed, identity, wanted, limits)).toEqual(expected);
  return expected;
}

/** All of it, or some steps. */
function work(index: ContentIndex, steps = Infinity): void {
  index.follow();
  let left = steps;
  while (left > 0 && index.work(() => --left <= 0 || left % 7 === 0)) left--;
}

const ZONES = ['a.test.', 'b.a.test.', 'c.test.', 'large.example.', 'signed.example.'];
const LABELS = [
  'www',
  'mail',
  'a',
  'x1',
  'x2',
  'x3',
  '_acme-challenge',
  '*',
  'Deep.Er',
  'odd\\.dot',
  'n10',
  'n11',
  'n12',
  'n13',
];
const DATA = [
  ['A', '192.0.2.1'],
  ['A', '192.0.2.17'],
  ['AAAA', '2001:db8::17'],
  ['TXT', '"Hello, world" "two"'],
  ['TXT', '"\\255\\000 \\"quoted\\""'],
  ['MX', '10 Mail.example.net.'],
  ['CAA', '0 issue "ca.example.net"'],
  ['TYPE65280', '\\# 3 0102ff'],
] as const;

const FIRST = LABELS.map((label, at) => ({ label, data: DATA[at % DATA.length]! }));

const anyZone = fc.constantFrom(...ZONES);
const anyRecord: fc.Arbitrary<{ readonly label: string; readonly data: readonly [string, string] }> = fc.record({
  label: fc.constantFrom(...LABELS),
  data: fc.constantFrom(...DATA),
});
const anyAction = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), zone: anyZone, record: anyRecord }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), zone: anyZone, record: anyRecord }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('import' as const),
      zone: anyZone,
      records: fc.array(anyRecord, { maxLength: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), zone: anyZone }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('alias' as const),
      zone: anyZone,
      label: fc.constantFrom('@', 'www', 'al'),
      target: fc.constantFrom('host.elsewhere.test.', 'www.elsewhere.test.'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('dnssec' as const), zone: anyZone, isOn: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('work' as const), steps: fc.constantFrom(3, 20, Infinity) }) },
);
const anyPattern = fc.constantFrom(
  ...[
    '192.0.2.1',
    '2.0.2',
    'WWW',
    'www*',
    '*.example*',
    '*mail*net.',
    'hello, w',
    '"hello*',
    'db8',
    '?ww.*',
    'x1',
    '*',
  ],
  ...['\\255', 'test', 'elsewhere', 'n1?.*', 'www.a.test', '192.0.2.1*', 'no such text', '0102ff', 'odd\\.dot'],
);
const anyType = fc.constantFrom('A', 'TXT', 'ALIAS', 'SOA', 'DNSKEY', 'CAA');
const anyManager = fc.constantFrom('manual', 'dnssec', 'alias', 'none');
const below = fc.constantFrom('test.', 'a.test.', 'www.a.test.', 'er.large.example.', 'example.', 'x2.c.test.');
const anyWhole = fc.constantFrom(false, false, true);
const anyAsked = fc.oneof(
  { weight: 6, arbitrary: fc.record({ pattern: anyPattern, isWhole: anyWhole }) },
  { weight: 2, arbitrary: fc.record({ pattern: anyPattern, isWhole: anyWhole, type: anyType }) },
  { weight: 2, arbitrary: fc.record({ pattern: anyPattern, isWhole: anyWhole, below }) },
  { weight: 1, arbitrary: fc.record({ pattern: anyPattern, isWhole: anyWhole, manager: anyManager }) },
  { weight: 1, arbitrary: fc.record({ isWhole: anyWhole, type: anyType }, { requiredKeys: ['isWhole'] }) },
  { weight: 1, arbitrary: fc.record({ isWhole: anyWhole, manager: anyManager }) },
);

type Action = typeof anyAction extends fc.Arbitrary<infer T> ? T : never;

function commandOf(action: Exclude<Action, { kind: 'work' }>): Command {
  const zone = nameOf(action.zone);
  switch (action.kind) {
    case 'remove':
      return { kind: 'zone.remove', zone };
    case 'dnssec':
      return { kind: 'zone.dnssec', zone, dnssec: action.isOn, force: true };
    case 'import': {
      const lines = action.records.map(({ label, data }) => `${label} 60 ${data.join(' ')}`);
      const text = ['@ 60 SOA ns h 1 2 3 4 5', '@ 60 NS ns.example.net.', ...lines].join('\n');
      return {
        kind: 'zone.import',
        zone,
        text,
        file: 'x',
        dnssec: action.zone.startsWith('signed'),
        parent: 'ignore',
        below: 'ignore',
      };
    }
    case 'alias': {
      const operation = { op: 'set', name: action.label, type: 'ALIAS', ttl: 60, records: [action.target] } as const;
      return { kind: 'rrsets.change', zone, operations: [operation], below: 'ignore' };
    }
    default: {
      const { label, data } = action.record;
      const what = { op: action.kind, name: label, type: data[0] };
      const operation = action.kind === 'set' ? { ...what, ttl: 60, records: [data[1]] } : what;
      return { kind: 'rrsets.change', zone, operations: [operation], below: 'ignore' };
    }
  }
}

test('any changes, any questions: the same RRsets in the same order as a look at every name', async () => {
  let finds = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyAction, { minLength: 5, maxLength: 40 }),
      fc.array(anyAsked, { minLength: 3, maxLength: 8 }),
      fc.integer({ min: 1, max: 9 }),
      async (actions, questions, limit) => {
        const made = room();
        for (const zone of ZONES) await made.run(commandOf({ kind: 'import', zone, records: FIRST }));
        for (const [at, action] of actions.entries()) {
          if (action.kind === 'work') work(made.index, action.steps);
          else await made.run(commandOf(action));
          // What no other name has, so that only the change itself can lead to it.
          if (at % 4 === 3) {
            const own = { label: `own${at}`, data: ['TXT', `"unlike ${at}."`] } as const;
            const { zone } = action.kind === 'work' ? { zone: ZONES[0]! } : action;
            await made.run(commandOf({ kind: 'set', zone, record: own }));
            finds += (await expectSame(made, { pattern: `"unlike ${at}."`, isWhole: true }, { limit })).length;
          }
          const asked = questions[at % questions.length]!;
          finds += (await expectSame(made, asked, { limit, namesMax: limit * 7 })).length;
        }
        work(made.index);
        expect(made.index.state().namesLeft).toBe(0);
        for (const asked of questions) await expectSame(made, asked, { limit });
        // Nothing is left to be looked at as a whole: the index itself has answered.
        const { zonesLeft, changed } = made.index.state();
        expect([zonesLeft, changed < 60]).toEqual([0, true]);
      },
    ),
    { numRuns: 12 },
  );
  expect(finds).toBeGreaterThan(100);
}, 240_000);

describe('of what is indexed, only what may match is looked at', () => {
  const text = (names: number) =>
    [
      '@ 60 SOA ns h 1 2 3 4 5',
      '@ 60 NS ns.example.net.',
      ...Array.from({ length: names }, (_, at) => `h${at} 60 A 10.0.${at >> 8}.${at & 255}`),
    ].join('\n');

  test('one of 2,000 names, by all, a beginning and a part of its record', async () => {
    const made = room({});
    await made.load('big.test.', text(2000), { dnssec: false });
    work(made.index);
    for (const [pattern, isWhole] of [
      ['10.0.5.77', false],
      ['10.0.5.77', true],
      ['h1357.*', true],
      ['0.5.77', false],
    ] as const) {
      made.questions.length = 0;
      const looked: number[] = [];
      const { contents } = made.indexed.zones;
      const counting = {
        zones: {
          ...made.indexed.zones,
          contents: {
            find: async (question: IndexQuestion) => {
              const answer = await contents.find(question);
              looked.push(answer!.looked);
              return answer;
            },
          },
        },
      };
      const found = await allPages(counting, SOCKET_IDENTITY, wantedOf({ pattern, isWhole }), { limit: 100 });
      expect(found).toEqual(['big.test. h1357.big.test. A']);
      expect(looked.length).toBe(1);
      expect(looked[0]).toBeLessThan(150);
    }
  });

  test('a change of more names than are told by key is followed by the journal, signed or not', async () => {
    for (const dnssec of [false, true]) {
      const made = room({});
      await made.load('big.test.', text(1500), { dnssec });
      work(made.index);
      const names = made.index.state().names;
      const operations = Array.from(
        { length: 400 },
        (_, at) => ({ op: 'set', name: `h${at}`, type: 'A', ttl: 60, records: [`192.0.2.${at & 255}`] }) as const,
      );
      await made.run({ kind: 'rrsets.change', zone: nameOf('big.test.'), operations });
      made.index.follow();
      expect(made.index.state()).toMatchObject({ zonesLeft: 0, names });
      expect(made.index.state().changed).toBeGreaterThanOrEqual(400);
      expect(await expectSame(made, { pattern: '192.0.2.77', isWhole: true }, { limit: 50 })).toHaveLength(2);
      work(made.index);
      expect(await expectSame(made, { pattern: '192.0.2.77', isWhole: true }, { limit: 50 })).toHaveLength(2);
    }
  });

  test('an index that is full leaves zones to a look at every name, and nothing out', async () => {
    const made = room({ bytesMax: 20_000 });
    await made.load('a.test.', text(20), { dnssec: false });
    await made.load('big.test.', text(1500), { dnssec: false });
    work(made.index);
    expect(made.index.state()).toMatchObject({ isFull: true, zonesLeft: 1 });
    expect(await expectSame(made, { pattern: '10.0.0.7', isWhole: true }, { limit: 5 })).toHaveLength(2);
  });
});

describe('rights', () => {
  const identity = (more: Partial<Identity>): Identity => ({
    actor: { kind: 'token', id: 't', from: '' },
    scopes: [],
    grants: [],
    ...more,
  });
  const text = (names: number, address: string) =>
    [
      '@ 60 SOA ns h 1 2 3 4 5',
      '@ 60 NS ns.example.net.',
      ...Array.from({ length: names }, (_, at) => `h${at} 60 A ${address}`),
    ].join('\n');

  test('the index is asked about the zones of the sender alone, and not at all for a part of one or for few names', async () => {
    const made = room({});
    await made.load('mine.test.', text(2500, '192.0.2.1'), { dnssec: false });
    await made.load('other.test.', text(2500, '192.0.2.1'), { dnssec: false });
    await made.load('small.test.', text(3, '192.0.2.1'), { dnssec: false });
    work(made.index);
    const id = (zone: string) => made.control.zones.find(nameOf(zone))!.id;
    const asked = { pattern: '192.0.2.1', isWhole: true };
    const ask = async (who: Identity) => {
      made.questions.length = 0;
      const lines = await expectSame(made, asked, { limit: 1000 }, who);
      return {
        zones: [...new Set(lines.map((line) => line.split(' ')[0]))],
        asked: [...new Set(made.questions.map(({ zones }) => JSON.stringify(zones)))],
      };
    };
    expect(await ask(identity({ scopes: ['zone:mine.test.', 'zone:small.test.'] }))).toEqual({
      zones: ['mine.test.', 'small.test.'],
      asked: [JSON.stringify([id('mine.test.'), id('small.test.')])],
    });
    expect(await ask(identity({ scopes: ['zone:small.test.'] }))).toEqual({ zones: ['small.test.'], asked: [] });
    const part = { zone: 'mine.test.', may: 'read', names: ['h1.*'] } as const;
    expect(await ask(identity({ grants: [part] }))).toMatchObject({ zones: ['mine.test.'], asked: [] });
    expect(await ask(identity({ grants: [{ may: 'read', types: ['A'] }] }))).toMatchObject({ asked: [] });
    expect((await ask(identity({ grants: [{ may: 'read' }] }))).asked).toEqual(['"all"']);
  });
});
