/** The oracle by the documents' own examples; every answer is also asked of the responder (test/support/ask.ts). */
import { describe, expect, test } from 'vitest';
import { ALIAS_STEPS_MAX } from '#base/limits/answer.ts';
import { asker } from '../support/ask.ts';
import { dummySigned } from '../support/dummy-signed.ts';
import { zoneOf } from '../support/random-zone.ts';

const SOA = 'ns.example. host.example. 1 3600 600 86400 300';

describe('RFC 4592 §2.2.1: the example zone', () => {
  const view = zoneOf(
    'example.',
    `@                  3600 SOA ${SOA}
     @                  3600 NS  ns.example.com.
     @                  3600 NS  ns.example.net.
     *                  3600 TXT "this is a wildcard"
     *                  3600 MX  10 host1.example.
     sub.*              3600 TXT "this is not a wildcard"
     host1              3600 A   192.0.2.1
     _ssh._tcp.host1    3600 SRV 0 0 22 host1
     _ssh._tcp.host2    3600 SRV 0 0 22 host1
     subdel             3600 NS  ns.example.com.
     subdel             3600 NS  ns.example.net.`,
  );
  const ask = asker({ view, signed: false });
  const negative = [`example. 300 SOA ${SOA}`];

  test('synthesized: MX of a name that does not exist', () => {
    expect(ask('host3.example. MX')).toMatchObject({
      rcode: 'NOERROR',
      aa: true,
      answer: ['host3.example. 3600 MX 10 host1.example.'],
      authority: [],
      additional: ['host1.example. 3600 A 192.0.2.1'],
    });
  });
  test('synthesized: no A at the wildcard is NODATA', () => {
    expect(ask('host3.example. A')).toMatchObject({ rcode: 'NOERROR', aa: true, answer: [], authority: negative });
  });
  test('synthesized: several labels below', () => {
    expect(ask('foo.bar.example. TXT')).toMatchObject({ answer: ['foo.bar.example. 3600 TXT "this is a wildcard"'] });
  });
  test.each([
    ['host1.example. MX', 'the name exists'],
    ['sub.*.example. MX', 'the name exists'],
    ['_tcp.host2.example. TXT', 'an empty non-terminal exists (§2.2.2)'],
    ['host2.example. MX', 'an empty non-terminal exists (§2.2.2)'],
  ])('not synthesized: %s, %s', (question) => {
    expect(ask(question)).toMatchObject({ rcode: 'NOERROR', aa: true, answer: [], authority: negative });
  });
  test.each([
    ['_telnet._tcp.host1.example. SRV', 'the closest encloser is _tcp.host1, which has no wildcard'],
    ['ghost.*.example. MX', 'the closest encloser is the wildcard itself, which has none below'],
    ['nope.sub.*.example. TXT', 'sub.*.example. is the closest encloser'],
  ])('not synthesized: %s, %s', (question) => {
    expect(ask(question)).toMatchObject({ rcode: 'NXDOMAIN', aa: true, answer: [], authority: negative });
  });
  test('not synthesized: host.subdel.example. A, a zone cut is above', () => {
    expect(ask('host.subdel.example. A')).toMatchObject({
      rcode: 'NOERROR',
      aa: false,
      answer: [],
      authority: ['subdel.example. 3600 NS ns.example.com.', 'subdel.example. 3600 NS ns.example.net.'],
    });
  });
  test('§2.1.1: a question for the wildcard itself is a question for an ordinary name', () => {
    expect(ask('*.example. TXT')).toMatchObject({ answer: ['*.example. 3600 TXT "this is a wildcard"'] });
  });
});

describe('RFC 4592 §4: special types at a wildcard', () => {
  const ask = asker({
    view: zoneOf(
      'example.',
      `@ 300 SOA ${SOA}
       @ 300 NS ns.outside.test.
       *.alias 300 CNAME target
       target 300 A 192.0.2.9
       *.loop 300 CNAME x.loop
       *.ns 300 NS ns.outside.test.
       *.dname 300 DNAME target
       deep.*.ent 300 TXT "x"`,
    ),
    signed: false,
  });
  test('§4.3: CNAME is synthesized and followed', () => {
    expect(ask('x.alias.example. A').answer).toEqual(['x.alias.example. 300 CNAME target.example.', 'target.example. 300 A 192.0.2.9']);
  });
  test('a synthesized CNAME to itself ends', () => {
    expect(ask('x.loop.example. A')).toMatchObject({ rcode: 'NOERROR', answer: ['x.loop.example. 300 CNAME x.loop.example.'] });
    expect(ask('y.loop.example. A').answer).toHaveLength(2);
  });
  test('§4.2 leaves NS open: no cut for names that match it (as NSD), a cut for the name itself', () => {
    expect(ask('x.ns.example. A')).toMatchObject({ aa: true, answer: [], authority: [`example. 300 SOA ${SOA}`] });
    expect(ask('*.ns.example. A')).toMatchObject({ aa: false, authority: ['*.ns.example. 300 NS ns.outside.test.'] });
  });
  test('§4.4 DNAME: as data for names that match it, as DNAME below the name itself (as NSD)', () => {
    expect(ask('x.dname.example. A')).toMatchObject({ rcode: 'NOERROR', answer: [] });
    expect(ask('x.*.dname.example. DNAME').answer[0]).toBe('*.dname.example. 300 DNAME target.example.');
  });
  test('§2.2.3: a wildcard that is an empty non-terminal makes NODATA, not NXDOMAIN', () => {
    expect(ask('x.ent.example. A')).toMatchObject({ rcode: 'NOERROR', answer: [], authority: [`example. 300 SOA ${SOA}`] });
  });
});

describe('RFC 4035 Appendix B: responses from the zone of Appendix A', () => {
  const unsigned = zoneOf(
    'example.',
    `@ 3600 SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600
     @ 3600 NS ns1.example.
     @ 3600 NS ns2.example.
     @ 3600 MX 1 xx.example.
     a 3600 NS ns1.a.example.
     a 3600 NS ns2.a.example.
     a 3600 DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B
     ns1.a 3600 A 192.0.2.5
     ns2.a 3600 A 192.0.2.6
     ai 3600 A 192.0.2.9
     ai 3600 HINFO "KLH-10" "ITS"
     ai 3600 AAAA 2001:db8::f00:baa9
     b 3600 NS ns1.b.example.
     b 3600 NS ns2.b.example.
     ns1.b 3600 A 192.0.2.7
     ns2.b 3600 A 192.0.2.8
     ns1 3600 A 192.0.2.1
     ns2 3600 A 192.0.2.2
     *.w 3600 MX 1 ai.example.
     x.w 3600 MX 1 xx.example.
     x.y.w 3600 MX 1 xx.example.
     xx 3600 A 192.0.2.10
     xx 3600 HINFO "KLH-10" "TOPS-20"
     xx 3600 AAAA 2001:db8::f00:baaa`,
  );
  const ask = asker({ view: dummySigned(unsigned), signed: true });
  const signed = (question: string) => {
    const { rcode, aa, answer, authority, additional } = ask(question, { dnssecOk: true });
    // Owners and types say which proof it is; the data of the dummy NSEC does not matter.
    const short = (lines: readonly string[]) =>
      lines.map((line) =>
        line
          .split(' ')
          .toSpliced(1, 1)
          .slice(0, 3)
          .join(' ')
          .replace(/ (?!RRSIG)(\S+) .*/, ' $1'),
      );
    return { rcode, aa, answer: short(answer), authority: short(authority), additional: short(additional) };
  };
  const withSignature = (...sets: readonly string[]) => sets.flatMap((set) => [set, set.replace(/ (\S+)$/, ' RRSIG $1')]);

  test('B.1 answer', () => {
    expect(signed('x.w.example. MX')).toEqual({
      rcode: 'NOERROR',
      aa: true,
      answer: withSignature('x.w.example. MX'),
      authority: [],
      additional: withSignature('xx.example. A', 'xx.example. AAAA'),
    });
  });
  test('B.2 name error', () => {
    expect(signed('ml.example. A')).toMatchObject({
      rcode: 'NXDOMAIN',
      aa: true,
      answer: [],
      authority: withSignature('example. SOA', 'b.example. NSEC', 'example. NSEC'),
    });
  });
  test('B.3 no data error', () => {
    expect(signed('ns1.example. MX')).toMatchObject({
      rcode: 'NOERROR',
      aa: true,
      authority: withSignature('example. SOA', 'ns1.example. NSEC'),
    });
  });
  test('B.4 referral to a signed zone', () => {
    expect(signed('mc.a.example. MX')).toEqual({
      rcode: 'NOERROR',
      aa: false,
      answer: [],
      authority: ['a.example. NS', 'a.example. NS', 'a.example. DS', 'a.example. RRSIG DS'],
      additional: ['ns1.a.example. A', 'ns2.a.example. A'],
    });
  });
  test('B.5 referral to an unsigned zone', () => {
    expect(signed('mc.b.example. MX')).toMatchObject({
      aa: false,
      authority: ['b.example. NS', 'b.example. NS', 'b.example. NSEC', 'b.example. RRSIG NSEC'],
      additional: ['ns1.b.example. A', 'ns2.b.example. A'],
    });
  });
  test('B.6 wildcard expansion', () => {
    expect(signed('a.z.w.example. MX')).toMatchObject({
      aa: true,
      answer: withSignature('a.z.w.example. MX'),
      authority: withSignature('x.y.w.example. NSEC'),
      additional: withSignature('ai.example. A', 'ai.example. AAAA'),
    });
  });
  test('B.7 wildcard no data error', () => {
    expect(signed('a.z.w.example. AAAA')).toMatchObject({
      rcode: 'NOERROR',
      authority: withSignature('example. SOA', 'x.y.w.example. NSEC', '*.w.example. NSEC'),
    });
  });
  test('B.8 DS of the child, asked of the child', () => {
    expect(signed('example. DS')).toMatchObject({
      rcode: 'NOERROR',
      aa: true,
      answer: [],
      authority: withSignature('example. SOA', 'example. NSEC'),
    });
  });
  test('§3.1.3.2: one NSEC may prove both halves, and is there once', () => {
    // Between example. and a.example. lies neither *.example. nor %.example.
    expect(signed(String.raw`\037.example. A`).authority).toEqual(withSignature('example. SOA', 'example. NSEC'));
  });
  test('§3.1.3.1: an empty non-terminal is proved by the NSEC before it', () => {
    expect(signed('w.example. A').authority).toEqual(withSignature('example. SOA', 'ns2.example. NSEC'));
  });
  test('§3.1: without DO no DNSSEC records, unless asked for', () => {
    expect(ask('ml.example. A').authority).toHaveLength(1);
    expect(ask('a.example. DS').answer).toHaveLength(1);
    expect(ask('ns1.example. NSEC').answer).toHaveLength(1);
    expect(ask('ns1.example. RRSIG').answer).toHaveLength(1);
  });
  test('§3.1.4.1: DS at a cut is answered with authority', () => {
    expect(signed('a.example. DS')).toMatchObject({ aa: true, answer: withSignature('a.example. DS'), authority: [] });
    expect(signed('b.example. DS')).toMatchObject({ aa: true, answer: [], authority: withSignature('example. SOA', 'b.example. NSEC') });
  });
});

describe('RFC 6672 §2.2: substitution', () => {
  test.each([
    ['com.', 'example.com.', 'example.net.', undefined],
    ['example.com.', 'example.com.', 'example.net.', undefined],
    ['a.example.com.', 'example.com.', 'example.net.', 'a.example.net.'],
    ['a.b.example.com.', 'example.com.', 'example.net.', 'a.b.example.net.'],
    ['ab.example.com.', 'b.example.com.', 'example.net.', undefined],
    ['foo.example.com.', 'example.com.', 'example.net.', 'foo.example.net.'],
    ['a.x.example.com.', 'x.example.com.', 'example.net.', 'a.example.net.'],
    ['a.example.com.', 'example.com.', 'y.example.net.', 'a.y.example.net.'],
    ['cyc.example.com.', 'example.com.', 'example.com.', 'cyc.example.com.'],
    ['cyc.example.com.', 'example.com.', 'c.example.com.', 'cyc.c.example.com.'],
    ['shortloop.x.x.', 'x.', '.', 'shortloop.x.'],
    ['shortloop.x.', 'x.', '.', 'shortloop.'],
  ])('%s with %s DNAME %s', (name, owner, target, result) => {
    const ask = asker({ view: zoneOf('.', `@ 60 SOA ${SOA}\n ${owner} 77 DNAME ${target}`), signed: false });
    const { answer } = ask(`${name} A`);
    if (result === undefined) expect(answer).toEqual([]);
    else expect(answer.slice(0, 2)).toEqual([`${owner} 77 DNAME ${target}`, `${name} 77 CNAME ${result}`]);
  });
});

describe('RFC 6672 §3 and §5: DNAME in answers', () => {
  const long = 'l'.repeat(60);
  const view = zoneOf(
    'example.',
    `@ 300 SOA ${SOA}
     @ 300 NS ns.outside.test.
     d 600 DNAME t
     www.t 300 A 192.0.2.2
     also.t 300 CNAME www.d
     big 300 DNAME ${long}.${long}.${long}
     hidden.d 300 A 192.0.2.66
     both 300 NS ns.outside.test.
     both 300 DNAME t`,
  );
  const ask = asker({ view, signed: false });
  const askSigned = asker({ view: dummySigned(view), signed: true });
  test('§3.1: DNAME, synthesized CNAME with the TTL of the DNAME, and what it leads to', () => {
    expect(ask('www.d.example. A').answer).toEqual([
      'd.example. 600 DNAME t.example.',
      'www.d.example. 600 CNAME www.t.example.',
      'www.t.example. 300 A 192.0.2.2',
    ]);
  });
  test('§5.3.1: the DNAME is signed, the CNAME is not', () => {
    expect(askSigned('www.d.example. A', { dnssecOk: true }).answer).toEqual([
      'd.example. 600 DNAME t.example.',
      'd.example. 600 RRSIG DNAME',
      'www.d.example. 600 CNAME www.t.example.',
      'www.t.example. 300 A 192.0.2.2',
      'www.t.example. 300 RRSIG A',
    ]);
  });
  test('§3.2 step 3c: too long a name is YXDOMAIN, with the DNAME to show why', () => {
    const name = `${long}.${long}.big.example.`;
    expect(ask(`${name} A`)).toMatchObject({
      rcode: 'YXDOMAIN',
      aa: true,
      answer: [`big.example. 300 DNAME ${long}.${long}.${long}.example.`],
    });
  });
  test('RFC 6604 §3: the rcode is that of the last name, its SOA too', () => {
    expect(ask('nope.d.example. A')).toMatchObject({ rcode: 'NXDOMAIN', aa: true, authority: [`example. 300 SOA ${SOA}`] });
  });
  test('a question for CNAME ends with the synthesized one', () => {
    expect(ask('also.d.example. CNAME').answer).toEqual(['d.example. 600 DNAME t.example.', 'also.d.example. 600 CNAME also.t.example.']);
  });
  test('a DNAME used twice is in the answer once', () => {
    expect(ask('also.d.example. A').answer.filter((line) => line.includes('DNAME'))).toHaveLength(1);
  });
  test('§2.4: data below a DNAME is never served', () => {
    expect(ask('hidden.d.example. A').answer[0]).toBe('d.example. 600 DNAME t.example.');
  });
  test('§2.3: NS beside DNAME is a delegation', () => {
    expect(ask('x.both.example. A')).toMatchObject({ aa: false, authority: ['both.example. 300 NS ns.outside.test.'] });
  });
});

describe('RFC 1034 §3.6.2: alias chains over several zones', () => {
  const links = Array.from({ length: 25 }, (_, at) => `c${at} 60 CNAME c${at + 1}`).join('\n');
  const ask = asker(
    { view: zoneOf('one.', `@ 60 SOA ${SOA}\n@ 60 NS ns.two.\na 60 CNAME b.two.\nout 60 CNAME www.elsewhere.\n${links}`), signed: false },
    {
      view: zoneOf(
        'two.',
        `@ 60 SOA ${SOA}\n@ 60 NS ns\nns 60 A 192.0.2.53\nb 60 CNAME c.one.\nl1 60 CNAME l2\nl2 60 CNAME l1\nsub 60 NS ns.sub\nns.sub 60 A 192.0.2.54\nref 60 CNAME x.sub`,
      ),
      signed: false,
    },
  );
  test('the chain goes on in the other zone, and its end decides', () => {
    expect(ask('a.one. A')).toMatchObject({
      rcode: 'NXDOMAIN',
      aa: true,
      answer: ['a.one. 60 CNAME b.two.', 'b.two. 60 CNAME c.one.'],
      authority: [`one. 60 SOA ${SOA}`],
    });
  });
  test('a loop ends with what was found', () => {
    expect(ask('l1.two. A')).toMatchObject({
      rcode: 'NOERROR',
      aa: true,
      answer: ['l1.two. 60 CNAME l2.two.', 'l2.two. 60 CNAME l1.two.'],
      authority: [],
    });
  });
  test('out of our zones: the resolver goes on', () => {
    expect(ask('out.one. A')).toMatchObject({ rcode: 'NOERROR', aa: true, answer: ['out.one. 60 CNAME www.elsewhere.'], authority: [] });
  });
  test('a long chain is cut', () => {
    expect(ask('c0.one. A')).toMatchObject({ rcode: 'NOERROR', aa: true });
    expect(ask('c0.one. A').answer).toHaveLength(ALIAS_STEPS_MAX + 1);
  });
  test('RFC 1034 §4.3.2 3b after an alias: AA is about the first name, the referral is there', () => {
    expect(ask('ref.two. A')).toMatchObject({
      rcode: 'NOERROR',
      aa: true,
      answer: ['ref.two. 60 CNAME x.sub.two.'],
      authority: ['sub.two. 60 NS ns.sub.two.'],
      additional: ['ns.sub.two. 60 A 192.0.2.54'],
    });
  });
  test('a name in no zone of ours is refused, with RFC 8914 §4.21', () => {
    expect(ask('www.elsewhere. A')).toMatchObject({ rcode: 'REFUSED', aa: false, response: { ede: { code: 20 } } });
  });
});

describe('RFC 4035 §3.1.4.1: parent and child on one server', () => {
  const parent = zoneOf(
    'p.',
    `@ 60 SOA ${SOA}\n@ 60 NS ns.x.\nc 60 NS ns.c\nc 60 DS 1 13 2 ${'ab'.repeat(32)}\nns.c 60 A 192.0.2.1\nu 60 NS ns.x.`,
  );
  const child = zoneOf('c.p.', `@ 61 SOA ${SOA}\n@ 61 NS ns\nns 61 A 192.0.2.2`);
  const ask = asker({ view: dummySigned(parent), signed: true }, { view: dummySigned(child), signed: true });
  test('DS of the child comes from the parent, everything else from the child', () => {
    expect(ask('c.p. DS').answer).toEqual([`c.p. 60 DS 1 13 2 ${'AB'.repeat(32)}`]);
    expect(ask('c.p. NS')).toMatchObject({ aa: true, answer: ['c.p. 61 NS ns.c.p.'], additional: ['ns.c.p. 61 A 192.0.2.2'] });
    expect(ask('ns.c.p. A').answer).toEqual(['ns.c.p. 61 A 192.0.2.2']);
    expect(ask('x.c.p. A').authority).toEqual([`c.p. 61 SOA ${SOA}`]);
  });
  test('DS of the topmost zone is NODATA of its own', () => {
    expect(ask('p. DS')).toMatchObject({ rcode: 'NOERROR', aa: true, answer: [], authority: [`p. 60 SOA ${SOA}`] });
  });
  test('DS below the cut is not the parent’s', () => {
    expect(ask('ns.c.p. DS').authority).toEqual([`c.p. 61 SOA ${SOA}`]);
  });
});

describe('RFC 4035 §3.1.3.3: wildcards on the way are proved, wherever the way ends', () => {
  const parent = zoneOf(
    'p.',
    `@ 60 SOA ${SOA}\n@ 60 NS ns.x.\n* 60 CNAME n.c\nc 60 NS ns.x.\nd 60 NS ns.d\nd 60 DS 1 13 2 ${'ab'.repeat(32)}\nns.d 60 A 192.0.2.1
     *.w 60 CNAME x.d\n*.v 60 CNAME y.w\n*.o 60 CNAME host.elsewhere.\n*.n 60 CNAME no.such.w2\nw2 60 TXT "x"\n*.l 60 CNAME a.l`,
  );
  const child = zoneOf('c.p.', `@ 61 SOA ${SOA}\n@ 61 NS ns.x.\na 61 TXT "a"`);
  const ask = asker({ view: dummySigned(parent), signed: true }, { view: dummySigned(child), signed: true });
  const proofs = (question: string) =>
    ask(question, { dnssecOk: true })
      .authority.filter((line) => line.split(' ')[2] !== 'RRSIG')
      .map((line) => line.split(' ').toSpliced(1, 1).slice(0, 2).join(' '));
  test('at a delegation', () => {
    expect(proofs('q.w.p. A')).toEqual(['*.w.p. NSEC', 'd.p. NS', 'd.p. DS']);
  });
  test('at another wildcard, then a delegation', () => {
    expect(proofs('q.v.p. A')).toEqual(['*.v.p. NSEC', '*.w.p. NSEC', 'd.p. NS', 'd.p. DS']);
  });
  test('outside', () => {
    expect(proofs('q.o.p. A')).toEqual(['*.o.p. NSEC']);
  });
  test('at a loop', () => {
    expect(proofs('q.l.p. A')).toEqual(['*.l.p. NSEC']);
  });
  test('at nothing', () => {
    expect(proofs('q.n.p. A')).toEqual(['*.n.p. NSEC', 'p. SOA', 'w2.p. NSEC']);
  });
  test('in a child: the NSEC of the cut and that of the apex have one owner, and both are needed', () => {
    expect(proofs('cc.p. A')).toEqual(['c.p. NSEC', 'c.p. SOA', 'a.c.p. NSEC', 'c.p. NSEC']);
  });
});

describe('RFC 9471: glue', () => {
  const many = Array.from(
    { length: 13 },
    (_, at) => `wide 60 NS n${at}.wide\nn${at}.wide 60 A 192.0.2.${at}\nn${at}.wide 60 AAAA 2001:db8::${at}`,
  ).join('\n');
  const ask = asker({
    view: zoneOf(
      'z.',
      `@ 60 SOA ${SOA}\n@ 60 NS ns.x.\nd 60 NS d\nd 60 NS ns.d\nd 60 NS ns.sib\nd 60 NS ns.h\nd 60 A 192.0.2.1\nns.d 60 A 192.0.2.2\nsib 60 NS ns.sib\nns.sib 60 A 192.0.2.3
       h 60 DNAME d\nns.h 60 A 192.0.2.66\n${many}`,
    ),
    signed: false,
  });
  test('§2: at and below the cut required, sibling welcome, occluded never', () => {
    const { response } = ask('x.d.z. A');
    expect(response.requiredGlue.map((each) => each.rdatas[0]![3])).toEqual([1, 2]);
    expect(response.additional.map((each) => each.rdatas[0]![3])).toEqual([3]);
  });
  test('§3.1: what is required and does not fit sets TC', () => {
    expect(ask('x.wide.z. A', { size: 512 }).message).toMatchObject({ answer: [], authority: [], additional: [] });
    expect(ask('x.wide.z. A', { size: 512 }).message.flags).toContain('TC');
    expect(ask('x.wide.z. A', { size: 1232 }).message.additional).toHaveLength(26);
  });
  test('§3.2: sibling glue that does not fit is left out without TC', () => {
    const servers = Array.from({ length: 16 }, (_, at) => `d 60 NS s${at}.sib\ns${at}.sib 60 A 192.0.2.${at}`).join('\n');
    const sibling = asker({ view: zoneOf('z.', `@ 60 SOA ${SOA}\n@ 60 NS ns.x.\nsib 60 NS ns.x.\n${servers}`), signed: false });
    const { flags, additional } = sibling('x.d.z. A', { size: 512 }).message;
    expect(flags).not.toContain('TC');
    expect(additional.length).toBeGreaterThan(0);
    expect(additional.length).toBeLessThan(16);
  });
});

describe('questions for more or less than one RRset', () => {
  const view = zoneOf(
    'z.',
    `@ 60 SOA ${SOA}\n@ 60 NS ns.x.\nm 60 MX 10 h\nm 60 TXT "t"\nm 60 AAAA 2001:db8::1\nh 60 A 192.0.2.1\nal 60 CNAME h\ns 60 HTTPS 1 .\ns 60 A 192.0.2.7\n*.w 60 HTTPS 1 .\n*.w 60 A 192.0.2.8\nn 60 HTTPS 0 .\nn 60 A 192.0.2.9`,
  );
  const ask = asker({ view: dummySigned(view), signed: true });
  test('RFC 8482 §4.1: ANY is one RRset, that of the lowest type', () => {
    expect(ask('m.z. ANY').answer).toEqual(['m.z. 60 MX 10 h.z.']);
    expect(ask('m.z. ANY', { dnssecOk: true }).answer).toEqual(['m.z. 60 MX 10 h.z.', 'm.z. 60 RRSIG MX']);
    expect(ask('al.z. ANY').answer).toEqual(['al.z. 60 CNAME h.z.']);
    expect(ask('x.m.z. ANY').rcode).toBe('NXDOMAIN');
  });
  test('RRSIG is the signatures of one RRset', () => {
    const { answer } = ask('m.z. RRSIG');
    expect(answer).toHaveLength(1);
    expect(answer[0]).toContain('RRSIG MX 13');
    expect(ask('al.z. RRSIG').answer[0]).toContain('RRSIG CNAME 13');
  });
  test('NSEC beside a CNAME is answered, not followed', () => {
    expect(ask('al.z. NSEC').answer).toHaveLength(1);
  });
  test('RFC 9460 §2.5: "." is the owner in ServiceMode, nothing in AliasMode; no addresses from wildcards', () => {
    expect(ask('s.z. HTTPS').additional).toEqual(['s.z. 60 A 192.0.2.7']);
    expect(ask('n.z. HTTPS').additional).toEqual([]);
    expect(ask('x.w.z. HTTPS')).toMatchObject({ answer: ['x.w.z. 60 HTTPS 1 .'], additional: [] });
  });
  test('RFC 2308 §3: the SOA, and its RRSIG, live as long as MINIMUM says', () => {
    const low = asker({ view: dummySigned(zoneOf('z.', '@ 900 SOA a. b. 1 1 1 1 30\n@ 60 NS ns.x.')), signed: true });
    expect(low('x.z. A', { dnssecOk: true }).authority.slice(0, 2)).toEqual(['z. 30 SOA a. b. 1 1 1 1 30', 'z. 30 RRSIG SOA']);
  });
  test('the trace tells rule and reason', () => {
    expect(ask('x.w.z. HTTPS', { dnssecOk: true }).response.steps.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(['RFC 4592 §3.3.1', 'RFC 4035 §3.1.3']),
    );
  });
});
