/** One record of a DMARC report: everything that can be read counts, everything else is named. */
import { describe, expect, test } from 'vitest';
import { readXml } from '#base/xml.ts';
import { readRecord } from '#mail/reports/dmarc-record.ts';
import { LeftOutList } from '#mail/reports/left-out.ts';

const POLICY = { domain: 'post.example', isStrict: false };

function read(record: string, policy = POLICY) {
  const root = readXml(`<record>${record}</record>`, 16);
  if ('wrong' in root) throw new Error(root.wrong);
  const leftOut = new LeftOutList();
  return { rows: readRecord(root, policy, leftOut), leftOut: leftOut.list().map(({ what, times, amount }) => [what, times, amount]) };
}

const row = (inside = '', source = '192.0.2.25', count = '7') =>
  `<row><source_ip>${source}</source_ip><count>${count}</count>${inside}</row>`;
const evaluated = (dkim: string, spf = 'fail') =>
  `<policy_evaluated><disposition>none</disposition><dkim>${dkim}</dkim><spf>${spf}</spf></policy_evaluated>`;
const from = (domain: string) => `<identifiers><header_from>${domain}</header_from></identifiers>`;
const dkim = (domain: string, result: string, selector = 's1') =>
  `<dkim><domain>${domain}</domain><selector>${selector}</selector><result>${result}</result></dkim>`;
const spf = (domain: string, result: string, scope = '') =>
  `<spf><domain>${domain}</domain>${scope === '' ? '' : `<scope>${scope}</scope>`}<result>${result}</result></spf>`;
const results = (...all: string[]) => `<auth_results>${all.join('')}</auth_results>`;

describe('who sent it', () => {
  test('author, signatures that verified and those of the author that did not, and the envelope of another', () => {
    const record =
      row(evaluated('pass')) +
      from('news.Post.Example.') +
      results(
        dkim('POST.example.', 'pass', 'R1'),
        dkim('esp.example', 'pass', ''),
        dkim('post.example', 'neutral', 'e1'),
        dkim('x.example', 'fail'),
        spf('bounce.esp.example', 'pass'),
      );
    expect(read(record)).toEqual({
      leftOut: [],
      rows: [
        {
          address: '192.0.2.25',
          messages: 7,
          isDkimAligned: true,
          isSpfAligned: false,
          isForwarded: false,
          author: 'news.post.example',
          signatures: [
            { domain: 'post.example', selector: 'r1' },
            { domain: 'esp.example', selector: '' },
          ],
          failed: [{ domain: 'post.example', selector: 'e1' }],
          envelope: 'bounce.esp.example',
        },
      ],
    });
  });

  test('RFC 9989 §4.4.2: an envelope of the own domain is none of another; HELO is not judged', () => {
    expect(read(row(evaluated('fail', 'pass')) + results(spf('bounce.post.example', 'pass')))).toMatchObject({
      rows: [{ isSpfAligned: true }],
    });
    expect(read(row(evaluated('fail', 'pass')) + results(spf('bounce.post.example', 'pass'))).rows[0]).not.toHaveProperty('envelope');
    expect(read(row(evaluated('fail')) + results(spf('mx.esp.example', 'pass', 'helo'))).rows[0]).not.toHaveProperty('envelope');
    expect(read(row(evaluated('fail')) + results(spf('esp.example', 'softfail'))).rows[0]).not.toHaveProperty('envelope');
  });
});

describe('RFC 8463 §3: two signatures', () => {
  test('one that verifies is enough, whatever the receiver makes of the other', () => {
    for (const word of ['fail', 'none', 'permerror'])
      expect(read(row(evaluated(word)) + results(dkim('post.example', 'pass', 'r1'), dkim('post.example', word, 'e1'))).rows).toMatchObject(
        [{ isDkimAligned: true, failed: [{ selector: 'e1' }] }],
      );
  });

  test('RFC 9989 §4.4.1: not one of another domain, and under adkim=s not one of a parent', () => {
    const record =
      row(evaluated('fail')) + from('news.post.example') + results(dkim('post.example', 'pass'), dkim('post.example.esp.example', 'pass'));
    expect(read(record).rows[0]!.isDkimAligned).toBe(true);
    expect(read(record, { ...POLICY, isStrict: true }).rows[0]!.isDkimAligned).toBe(false);
    expect(read(row(evaluated('fail')) + results(dkim('notpost.example', 'pass'))).rows[0]!.isDkimAligned).toBe(false);
  });
});

describe('what is not as it should be', () => {
  test('several rows in a record are several', () => {
    const record = row(evaluated('pass')) + row(evaluated('fail'), '192.0.2.26', '2') + results(dkim('post.example', 'fail'));
    expect(read(record).rows).toMatchObject([
      { address: '192.0.2.25', messages: 7, isDkimAligned: true },
      { address: '192.0.2.26', messages: 2, isDkimAligned: false },
    ]);
  });

  test('without policy_evaluated the results say what was aligned', () => {
    expect(read(row() + results(dkim('post.example', 'pass'), spf('esp.example', 'pass'))).rows).toMatchObject([
      { isDkimAligned: true, isSpfAligned: false },
    ]);
    expect(read(row() + results(spf('post.example', 'pass'))).rows).toMatchObject([{ isDkimAligned: false, isSpfAligned: true }]);
  });

  test.each([
    [row(), 'record: neither policy_evaluated nor results, so it is not known what was aligned', 7],
    [row(evaluated('pass'), 'somewhere'), 'record: source_ip "somewhere" is not an address', 7],
    [row(evaluated('pass'), ''), 'record: source_ip "" is not an address', 7],
    [row(evaluated('pass'), '192.0.2.1', '-3'), 'record: count "-3" is not a number from 0 to 1000000000', 0],
    [row(evaluated('pass'), '192.0.2.1', '1e9'), 'record: count "1e9" is not a number from 0 to 1000000000', 0],
    ['', 'record without a row', 0],
  ])('%s is left out', (record, what, amount) => {
    expect(read(record)).toEqual({ rows: [], leftOut: [[what, 1, amount]] });
  });

  test.each([
    ['<extension><x>1</x></extension>', '', 'record: element "extension" in record is not one that is read'],
    ['', '<score>9</score>', 'record: element "score" in row is not one that is read'],
    ['<identifiers><header_to>x</header_to></identifiers>', '', 'record: element "header_to" in identifiers is not one that is read'],
    ['<ns0:rating/>', '', 'record: element "rating" in record is not one that is read'],
  ])('RFC 9990 §A: %s %s in a record that counts is named', (inRecord, inRow, what) => {
    const { rows, leftOut } = read(row(evaluated('pass') + inRow) + from('post.example') + inRecord);
    expect(rows).toMatchObject([{ messages: 7, isDkimAligned: true }]);
    expect(leftOut).toEqual([[what, 1, 0]]);
  });

  test('results of ARC are read, whatever form they have', () => {
    const arc = results('<arc><result>pass</result><hops><hop>1</hop></hops></arc>');
    expect(read(row(evaluated('fail')) + arc)).toMatchObject({ rows: [{ isForwarded: true }], leftOut: [] });
  });

  test.each([
    [evaluated('passed'), '', 'record: dkim "passed" is not a result, taken for a failure', 7],
    [evaluated('fail'), dkim('post.example', 'good'), 'signature: result "good" is not one, taken for a failure', 0],
    [evaluated('pass'), dkim('post example', 'pass'), 'signature: domain "post example" is none', 0],
    [evaluated('pass'), dkim('post.example', 'pass', 'a b'), 'signature: selector "a b" is none', 0],
  ])('of %s %s the rest counts', (inside, more, what, amount) => {
    const { rows, leftOut } = read(row(inside) + results(more));
    expect([rows.map(({ messages }) => messages), leftOut]).toEqual([[7], [[what, 1, amount]]]);
  });

  test('more signatures than one looks at: the first count', () => {
    const many = Array.from({ length: 150 }, (_, at) => dkim('post.example', 'pass', `s${at}`));
    const { rows, leftOut } = read(row(evaluated('pass')) + results(...many));
    expect([rows[0]!.signatures.length, leftOut]).toEqual([100, [['signatures behind the first 100 of a record', 1, 0]]]);
  });

  test('mail without a signature is not a fault', () => {
    expect(read(row(evaluated('fail', 'pass')) + results('<dkim><domain/><result>none</result></dkim>', '<dkim/>')).leftOut).toEqual([]);
  });
});
