/** Faults of MTA-STS, from the record to the certificate (RFC 8461 §3, §4). */
import { testFaults } from '../../support/doctor-faults.ts';

testFaults('mta-sts');
