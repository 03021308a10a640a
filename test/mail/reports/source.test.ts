/** Which source a row's mail came from. */
import { describe, expect, test } from 'vitest';
import { sourceNames, sourceOf } from '#mail/reports/source.ts';
import { type DmarcRow } from '#mail/reports/dmarc-record.ts';
import { REPORT_DOMAIN, reportRow, signedBy } from '../../support/mail/report-rows.ts';

const named = (address: string, given: Partial<DmarcRow> = {}, own: readonly string[] = []) =>
  sourceOf(reportRow(address, given), REPORT_DOMAIN, (each) => own.includes(each));

const domain = (name: string) => ({ name, kind: 'domain' });
const network = (name: string) => ({ name, kind: 'network' });

describe('a row is the mail of', () => {
  test('the domain of another that signed it, in whatever order the receiver lists signatures', () => {
    const signatures = [
      ...signedBy('post.example').signatures,
      ...signedBy('zeta.example').signatures,
      ...signedBy('esp.example').signatures,
    ];
    expect(named('192.0.2.1', { signatures })).toEqual(domain('esp.example'));
    expect(named('192.0.2.1', { signatures: signatures.toReversed() })).toEqual(domain('esp.example'));
    expect(named('192.0.2.1', { ...signedBy('tenant.onmail.example'), envelope: 'bounce.other.example' })).toEqual(
      domain('tenant.onmail.example'),
    );
  });

  test('the domain of another in its envelope, without what differs from message to message', () => {
    expect(named('192.0.2.1', { envelope: 'b-17.eu.esp.example' })).toEqual(domain('esp.example'));
    expect(named('192.0.2.1', { envelope: 'm7.esp.co.uk' })).toEqual(domain('esp.co.uk'));
    expect(named('192.0.2.1', { envelope: 'esp.example' })).toEqual(domain('esp.example'));
  });

  test('its network, where it says nothing else', () => {
    expect(named('192.0.2.77')).toEqual(network('192.0.2.0/24'));
    expect(named('2001:db8:1:2::77')).toEqual(network('2001:db8:1::/48'));
    // Its own signature, or that of the organization above, names no service.
    expect(named('192.0.2.77', signedBy('post.example'))).toEqual(network('192.0.2.0/24'));
    expect(named('192.0.2.77', signedBy('mail.post.example'))).toEqual(network('192.0.2.0/24'));
    expect(named('192.0.2.77', { envelope: 'bounce.post.example' })).toEqual(network('192.0.2.0/24'));
  });

  test('the one address, where SPF of the domain names it: each own server is judged for itself', () => {
    expect(named('192.0.2.25', {}, ['192.0.2.25'])).toEqual(network('192.0.2.25'));
    expect(named('192.0.2.25', { envelope: 'esp.example' }, ['192.0.2.25'])).toEqual(network('192.0.2.25'));
    expect(named('192.0.2.25', signedBy('esp.example'), ['192.0.2.25'])).toEqual(domain('esp.example'));
  });
});

test.each([
  ['esp.example', ['esp.example']],
  ['ESP.Example.', ['esp.example']],
  ['192.0.2.77', ['192.0.2.77', '192.0.2.0/24']],
  ['192.0.2.77/24', ['192.0.2.0/24']],
  ['2001:DB8:1::', ['2001:db8:1::', '2001:db8:1::/48']],
  ['2001:db8:1::/48', ['2001:db8:1::/48']],
  ['192.0.2.0/16', []],
  ['192.0.2.0/24/24', []],
  ['esp', []],
  ['esp..example', []],
  ['esp.example/24', []],
  ['a b.example', []],
  ['', []],
])('%s may mean %j', (text, names) => {
  expect(sourceNames(text)).toEqual(names);
});
