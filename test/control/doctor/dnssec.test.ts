/** Faults of the chain of trust, from the DS to the signatures of each name server (RFC 4035 §5). */
import { testFaults } from '../../support/doctor-faults.ts';

testFaults('dnssec');
