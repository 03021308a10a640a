/** RFC 9110 §7.2, §15.5.20; RFC 9112 §3.2; RFC 9113 §8.3.1: which host and path a request asks for, or 404, or 421. */
import { describe, expect, test } from 'vitest';
import { type RequestHead, judgeRequest } from '#policy-host/request.ts';

const HOST = 'mta-sts.example.com';
const PATH = '/.well-known/mta-sts.txt';

function judge(changes: Partial<RequestHead>) {
  return judgeRequest({ method: 'GET', target: PATH, hosts: [HOST], serverName: HOST, localPort: 8443, ...changes });
}

describe('what is found', () => {
  const good = (changes: Partial<RequestHead>) =>
    test(`${JSON.stringify(changes)} is found`, () => expect(judge(changes)).toEqual({ host: HOST, path: PATH }));
  good({});
  good({ hosts: ['MTA-STS.Example.COM'] }); // RFC 3986 §3.2.2: hosts differ not by case
  good({ serverName: 'MTA-STS.EXAMPLE.com' });
  good({ hosts: [`${HOST}:8443`] });
  good({ hosts: [`${HOST}:443`] });
  good({ scheme: 'https' });
  good({ scheme: 'https', hosts: [HOST, HOST] }); // :authority and Host, equal
  good({ target: `https://${HOST}${PATH}` }); // RFC 9112 §3.2.2
  good({ target: `HTTPS://${HOST}:8443${PATH}` });
  test('a path is what was written', () => {
    for (const target of ['/', `${PATH}?`, `${PATH}#x`, '/%2e', '//', '/.', `/${HOST}`])
      expect(judge({ target })).toEqual({ host: HOST, path: target });
  });
});

describe('421: another host than that of SNI', () => {
  const misdirected = (changes: Partial<RequestHead>) => test(`421 for ${JSON.stringify(changes)}`, () => expect(judge(changes)).toBe(421));
  for (const host of [
    'mta-sts.example.org',
    '',
    ' ',
    '.',
    `${HOST}.`,
    `.${HOST}`,
    `${HOST}:`,
    `${HOST}:80`,
    `${HOST}:8444`,
    `${HOST}:443:443`,
    `${HOST}:0443`,
    `${HOST}: 443`,
    `user@${HOST}`,
    `user:pass@${HOST}`,
    `${HOST}@evil.example`,
    `${HOST}/`,
    `${HOST}#`,
    `${HOST}?`,
    `${HOST} `,
    ` ${HOST}`,
    `${HOST}\t`,
    `${HOST}\0`,
    `${HOST},${HOST}`,
    `x.${HOST}`,
    'example.com',
    'mta-sts.example.com.example.org',
    'mta-sts.example.co',
    'mta-sts-example.com',
    'mta%2dsts.example.com',
    'mta-sts%2eexample.com',
    'mtа-sts.example.com',
    'ｍta-sts.example.com',
    'mta-sts。example.com',
    '[::1]',
    '127.0.0.1',
    'localhost',
    '*',
    '*.example.com',
    'xn--mta-sts.example.com',
    `https://${HOST}`,
    `${HOST}\\`,
    `${HOST};`,
    `"${HOST}"`,
    'mta-sts..example.com',
    'a'.repeat(5000),
    `${'a.'.repeat(126)}com`,
  ])
    misdirected({ hosts: [host] });
  misdirected({ hosts: [] });
  misdirected({ hosts: [HOST, 'mta-sts.example.org'] });
  misdirected({ hosts: ['mta-sts.example.org', HOST] });
  misdirected({ serverName: undefined });
  misdirected({ serverName: `${HOST}.` }); // RFC 6066 §3
  misdirected({ serverName: 'mta-sts.example.org' });
  misdirected({ scheme: 'http' });
  misdirected({ scheme: '' });
  misdirected({ scheme: 'HTTPS' });
  misdirected({ target: `https://mta-sts.example.org${PATH}` });
  misdirected({ target: `https://${HOST}@mta-sts.example.org${PATH}` });
  misdirected({ target: `https:///${HOST}${PATH}` });
  misdirected({ target: `https://${HOST}%2f${PATH}` });
  misdirected({ target: `https://${HOST}?${PATH}` });
});

describe('404: no path of this host', () => {
  const missing = (target: string) => test(`404 for ${target}`, () => expect(judge({ target })).toBe(404));
  for (const target of [
    '',
    '*',
    HOST,
    `${HOST}:443`,
    `http://${HOST}${PATH}`,
    `ftp://${HOST}${PATH}`,
    '.well-known/mta-sts.txt',
    `\\${PATH}`,
  ])
    missing(target);
});
