/** Faults of the chain of trust, from the DS to the signatures of each name server (RFC 4035 §5). */
import { expect, test } from 'vitest';
import { type MessageContent } from '#dns/message.ts';
import { testFaults } from '../../support/doctor-faults.ts';
import { doctorWorld } from '../../support/doctor-world.ts';

testFaults('dnssec');

test('when every name server strips signatures, nothing passes for secure', async () => {
  const content = (_ip: string, given: MessageContent): MessageContent => ({
    ...given,
    answer: given.answer.map((each) => ({ ...each, signatures: [] })),
  });
  const results = await (await doctorWorld({ content })).check();
  expect(results.filter(({ check }) => check === 'unsigned')).toHaveLength(2);
  expect(results.filter(({ area, verdict }) => area === 'dnssec' && verdict === 'passed')).toEqual([]);
});
