/** Faults of DANE on port 25 and 443, and of STARTTLS (RFC 7672 §2.2, RFC 3207 §4). */
import { expect, test } from 'vitest';
import { testFaults } from '../../support/doctor-faults.ts';
import { doctorWorld } from '../../support/doctor-world.ts';

testFaults('tlsa');

test('a mail host that was not looked at does not pass', async () => {
  const inside = { 'mx1.post.example. A': ['192.168.1.1'], '1.1.168.192.in-addr.arpa. PTR': ['mx1'] };
  const results = await (await doctorWorld({ resolver: inside })).check();
  expect(results.filter(({ check }) => check === 'tlsa')).toEqual([]);
});
