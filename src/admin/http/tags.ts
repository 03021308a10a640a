/** The subjects by which the API's description sorts its routes. */

export const TAGS = {
  zones: 'Zones and zone files',
  rrsets: 'Records, by RRset',
  changes: 'The journal of each zone',
  dnssec: 'Signing and DS records',
  mail: 'The mail policy of a zone, and the keys, records and modes that follow from it',
  certificates: 'Certificates of hosts, from CAs or files',
  transfer: 'TSIG keys, and secondaries that have zones by transfer',
  spf: 'SPF records of any domain',
  signers: 'Mail signers and their keys',
  events: 'What happens, as it happens',
  query: 'The answer to a DNS question, and the reasons for it',
  server: 'The state of the server',
  tokens: 'Access to this API over TCP',
  audit: 'Who changed what',
};

export type Tag = keyof typeof TAGS;
