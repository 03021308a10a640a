/**
 * Laws of SPF. parse∘print = id; and mailauth, another implementation, gives the same result, look-ups and voids on thousands of random
 * graphs. Where mailauth differs from RFC 7208, one rule below says how it is recognised and which section it is; a disagreement that no
 * rule explains fails the test, and so does a rule that explains nothing.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ok } from '#base/problem.ts';
import { TYPE } from '#dns/types.ts';
import { type SpfEvaluation, evaluateSpf } from '#mail/spf/evaluate.ts';
import { type MacroPart, type MacroString, formatMacros, parseMacros } from '#mail/spf/macro.ts';
import { parseSpf } from '#mail/spf/parse.ts';
import { type Qualifier, type Term, formatSpf } from '#mail/spf/spf.ts';
import { formatIp } from '#mail/spf/ip.ts';
import { seededRandom } from '../support/random.ts';
import { type Account, askMailauth } from '../support/mailauth-spf.ts';
import { type SpfGraph, randomSpfGraph } from '../support/spf-graph.ts';
import { type TableEntry, plainName, tableResolver } from '../support/table-resolver.ts';

describe('parse∘print = id', () => {
  const plain = fc.stringMatching(/^[a-zA-Z0-9_:/=&.-]{1,12}$/);
  const macro: fc.Arbitrary<MacroPart> = fc.record({
    kind: fc.constant('macro' as const),
    letter: fc.constantFrom('s', 'l', 'o', 'd', 'i', 'p', 'h', 'v'),
    urlEscape: fc.boolean(),
    keep: fc.nat(128),
    reverse: fc.boolean(),
    delimiters: fc.constantFrom('', '-', '.-', '+,/_=', '=.', '_'),
  });
  const escape: fc.Arbitrary<MacroPart> = fc.record({ kind: fc.constant('escape' as const), character: fc.constantFrom('%', '_', '-') });
  const part = fc.oneof(
    plain.map((text): MacroPart => ({ kind: 'text', text })),
    macro,
    escape,
  );
  /** Neighbouring texts are one text in what the parser gives. */
  const joined = (parts: readonly MacroPart[]): MacroString =>
    parts.reduce<MacroPart[]>((done, each) => {
      const last = done.at(-1);
      if (each.kind === 'text' && last?.kind === 'text') done[done.length - 1] = { kind: 'text', text: last.text + each.text };
      else done.push(each);
      return done;
    }, []);
  const domain = fc
    .tuple(
      fc.array(part, { maxLength: 4 }),
      fc.oneof(
        macro,
        fc.constantFrom('.com', '.xn--p1ai', '.a1', '.x-y').map((text): MacroPart => ({ kind: 'text', text })),
      ),
    )
    .map(([parts, end]) => joined([...parts, end]));
  const qualifier = fc.constantFrom<Qualifier[]>('+', '-', '~', '?');
  const optional = fc.option(domain, { nil: undefined });
  const ip4 = fc.bigInt(0n, 2n ** 32n - 1n).map((value) => formatIp({ family: 4, value }));
  const ip6 = fc.bigInt(0n, 2n ** 128n - 1n).map((value) => formatIp({ family: 6, value }));
  const term: fc.Arbitrary<Term> = fc.oneof(
    fc.record({ kind: fc.constant('all' as const), qualifier }),
    fc.record({ kind: fc.constantFrom('include' as const, 'exists' as const), qualifier, domain }),
    fc.record({
      kind: fc.constantFrom('a' as const, 'mx' as const),
      qualifier,
      domain: optional,
      prefix4: fc.nat(32),
      prefix6: fc.nat(128),
    }),
    fc.record({ kind: fc.constant('ptr' as const), qualifier, domain: optional }),
    fc.record({ kind: fc.constant('ip4' as const), qualifier, address: ip4, prefix: fc.nat(32) }),
    fc.record({ kind: fc.constant('ip6' as const), qualifier, address: ip6, prefix: fc.nat(128) }),
    fc.record({
      kind: fc.constant('unknown' as const),
      name: fc.constantFrom('default', 'ra', 'x.y-z_1'),
      value: fc.array(part, { maxLength: 3 }).map(joined),
    }),
  );
  const record = fc
    .tuple(fc.array(term, { maxLength: 6 }), fc.option(domain, { nil: undefined }), fc.option(domain, { nil: undefined }))
    .map(([terms, redirect, exp]) => ({
      terms: [
        ...terms,
        ...(redirect === undefined ? [] : [{ kind: 'redirect' as const, domain: redirect }]),
        ...(exp === undefined ? [] : [{ kind: 'exp' as const, domain: exp }]),
      ],
    }));

  test('records', () =>
    fc.assert(
      fc.property(record, (each) => {
        const result = parseSpf(formatSpf(each));
        expect(result.ok ? ok(result.value) : result).toEqual(ok(each));
      }),
      { numRuns: 2000 },
    ));
  test('macro strings', () =>
    fc.assert(
      fc.property(fc.array(part).map(joined), (each) => {
        expect(parseMacros(formatMacros(each), false)).toEqual({ macros: each, mistakes: [] });
      }),
    ));
  test('any text: a record that prints to itself, or problems; never an exception', () =>
    fc.assert(
      fc.property(
        fc.array(fc.nat(255), { maxLength: 60 }).map((octets) => String.fromCharCode(...octets)),
        fc.string({ unit: 'grapheme-ascii', maxLength: 60 }),
        (any, visible) => {
          for (const text of [any, `v=spf1 ${any}`, `v=spf1 ${visible}`]) {
            const result = parseSpf(text);
            if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
            else expect(parseSpf(formatSpf(result.value))).toMatchObject({ ok: true, value: result.value });
          }
        },
      ),
    ));
});

interface Case {
  readonly graph: SpfGraph;
  readonly ours: SpfEvaluation;
  readonly theirs: Account;
  /** Our questions in order, as name and type number. */
  readonly asked: readonly (readonly [string, number])[];
  /** Terms that we came to, with their depth. */
  readonly terms: readonly { readonly term: string; readonly depth: number }[];
}

const entryOf = ({ graph }: Case, name: string): TableEntry | undefined => graph.table[name];

/** True for A or AAAA of a name that has none, or that does not exist. */
function isVoidAddress(each: Case, name: string, type: number): boolean {
  const entry = entryOf(each, name) ?? {};
  const addresses = type === TYPE.A ? entry.a : type === TYPE.AAAA ? entry.aaaa : undefined;
  return (type === TYPE.A || type === TYPE.AAAA) && !entry.timeout && !entry.servfail && (addresses ?? []).length === 0;
}

/** Where mailauth 4.13.3 is not RFC 7208. */
const DIFFERENCES: readonly { readonly what: string; readonly rfc: string; readonly applies: (each: Case) => boolean }[] = [
  {
    what: 'asks for A and AAAA together and calls it void only when both are empty',
    rfc: 'RFC 7208 §5 (the family of <ip> is fetched), §4.6.4',
    applies: (each) =>
      each.asked.some(
        ([name, type]) => isVoidAddress(each, name, type) && !isVoidAddress(each, name, type === TYPE.A ? TYPE.AAAA : TYPE.A),
      ),
  },
  {
    what: 'counts void look-ups of the hosts of one mx apart, with a limit of their own',
    rfc: 'RFC 7208 §4.6.4 ("the number of terms")',
    applies: (each) =>
      each.asked.some(
        ([name, type]) =>
          isVoidAddress(each, name, type) &&
          Object.values(each.graph.table).some((entry) => entry.mx?.some((mx) => mx.endsWith(` ${name}`))),
      ),
  },
  {
    what: 'expands %{d} to the domain of the sender in included and redirected records too',
    rfc: 'RFC 7208 §7.2 (d = <domain>), §5.2, §6.1',
    applies: (each) => each.terms.some(({ term, depth }) => depth > 0 && /%\{d/i.test(term)),
  },
  { what: 'does not know %{p}', rfc: 'RFC 7208 §7.2, §7.3', applies: (each) => each.terms.some(({ term }) => /%\{p/i.test(term)) },
  {
    what: 'charges only the first ptr of a check',
    rfc: 'RFC 7208 §4.6.4 (the total number of those terms)',
    applies: (each) => each.terms.filter(({ term }) => /^[-~?]?ptr/.test(term)).length > 1,
  },
  {
    what: 'ends with temperror when the PTR look-up fails',
    rfc: 'RFC 7208 §5.5 (then this mechanism fails to match)',
    applies: (each) => each.asked.some(([name, type]) => type === TYPE.PTR && entryOf(each, name)?.timeout === true),
  },
  {
    what: 'takes SERVFAIL inside an include or redirect for no match',
    rfc: 'RFC 7208 §5.2, §5 (server failure: temperror)',
    applies: (each) =>
      each.ours.result === 'temperror' &&
      each.asked.some(([name]) => entryOf(each, name)?.servfail === true) &&
      each.terms.some(({ term }) => /include|redirect/.test(term)),
  },
  {
    what: 'evaluates terms that stand before a syntax error',
    rfc: 'RFC 7208 §4.6 (syntax errors anywhere)',
    applies: (each) =>
      each.ours.result === 'permerror' && each.ours.problems.some(({ at }) => at.kind === 'rrset' && at.part?.kind === 'column'),
  },
  {
    what: 'does not URL-escape',
    rfc: 'RFC 7208 §7.3 (upper-case letters)',
    applies: (each) => each.terms.some(({ term }) => /%\{S/.test(term) || (/%\{L/.test(term) && each.graph.question.sender.includes('+'))),
  },
  {
    what: 'takes a name that DNS cannot have for a permerror',
    rfc: 'RFC 7208 §4.8 (left open; no match is the other of the two ways)',
    applies: (each) =>
      each.theirs.result === 'permerror' &&
      each.terms.some(({ term }) => /\.\./.test(term) || (/%\{h/.test(term) && each.graph.question.helo.includes('..'))),
  },
];

async function judge(graph: SpfGraph): Promise<Case> {
  const resolver = tableResolver(graph.table);
  const ours = await evaluateSpf(graph.question, resolver, { clock: { nowMs: () => 0 } });
  const asked = resolver.asked.map(
    (each) => [each.slice(0, each.lastIndexOf(' ')), Number(each.slice(each.lastIndexOf(' ') + 1))] as const,
  );
  return { graph, ours, theirs: await askMailauth(graph), asked, terms: ours.trace.filter(({ term }) => term !== '') };
}

const accountOf = ({ result, lookups, voids }: Account): Account => ({ result, lookups, voids });

describe('mailauth gives the same result, look-ups and voids', () => {
  test('on graphs of what it reads as the RFC does: no disagreement at all', async () => {
    const results = new Map<string, number>();
    let deep = 0;
    for (let seed = 1; seed <= 2000; seed++) {
      const graph = randomSpfGraph(seededRandom(seed), true);
      const each = await judge(graph);
      expect(accountOf(each.theirs), `seed ${seed}: ${JSON.stringify(graph)}`).toEqual(accountOf(each.ours));
      results.set(each.ours.result, (results.get(each.ours.result) ?? 0) + 1);
      if (each.ours.lookups > 10) deep++;
    }
    // The graphs are worth something: each result is there, and so are those that go over the limit.
    expect([...results.keys()].toSorted()).toEqual(['fail', 'neutral', 'none', 'pass', 'permerror', 'softfail', 'temperror']);
    expect(Math.min(...results.values())).toBeGreaterThan(20);
    expect(deep).toBeGreaterThan(100);
  });

  test('on graphs of everything, but for what the list explains', async () => {
    const explained = new Map<string, number>();
    let disagreements = 0;
    const graphs = 4000;
    for (let seed = 1; seed <= graphs; seed++) {
      const graph = randomSpfGraph(seededRandom(1_000_000 + seed), false);
      const each = await judge(graph);
      const same = JSON.stringify(accountOf(each.theirs)) === JSON.stringify(accountOf(each.ours));
      if (same) continue;
      disagreements++;
      const differences = DIFFERENCES.filter(({ applies }) => applies(each));
      expect(differences.length, `seed ${seed}: ${JSON.stringify({ ...each, asked: undefined })}`).toBeGreaterThan(0);
      // A rule counts where it stands alone: there it is the explanation, not only a circumstance.
      if (differences.length === 1) explained.set(differences[0]!.what, (explained.get(differences[0]!.what) ?? 0) + 1);
    }
    expect([...explained.keys()].toSorted()).toEqual(DIFFERENCES.map(({ what }) => what).toSorted());
    expect(disagreements / graphs).toBeLessThan(0.2);
  });
});

test('names in tables are read back as they were asked', () => expect(plainName(Uint8Array.from([1, 65, 2, 66, 46, 0]))).toBe('a.b.'));
