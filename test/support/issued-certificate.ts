/**
 * Certificates whose issuer has the name of a public CA, by a key of this test's own that is thrown away: `O=Let's Encrypt`, valid from 2020
 * to 2049, of one key.
 */
import { X509Certificate, createHash } from 'node:crypto';

const der = (...lines: readonly string[]) => new Uint8Array(Buffer.from(lines.join(''), 'base64'));

/** For mx1.post.example and mta-sts.post.example. */
export const ISSUED = der(
  ...[
    'MIIBvjCCAWSgAwIBAgICEAAwCgYIKoZIzj0EAwIwMjELMAkGA1UEBhMCVVMxFjAUBgNVBAoMDUxldCdzIEVuY3J5cHQxCzAJBgNV',
    'BAMMAlIwMB4XDTIwMDEwMTAwMDAwMFoXDTQ5MTIzMTAwMDAwMFowGzEZMBcGA1UEAwwQbXgxLnBvc3QuZXhhbXBsZTBZMBMGByqG',
    'SM49AgEGCCqGSM49AwEHA0IABOWHdt/LY31M82Tk1rW6nbC3NnkzbVS41QDBibG8scygHwsEbXPVtZQlUi1eKltuoeIaZduR/bRH',
    '2P8q+GlN5pWjgYAwfjAJBgNVHRMEAjAAMDEGA1UdEQQqMCiCEG14MS5wb3N0LmV4YW1wbGWCFG10YS1zdHMucG9zdC5leGFtcGxl',
    'MB0GA1UdDgQWBBT1pxRfdUrmxW1AnWKb25Fw4tsSrDAfBgNVHSMEGDAWgBRWPHIWgE70emZFbZxi0FpzMuOARTAKBggqhkjOPQQD',
    'AgNIADBFAiEArC6rIrb9FqnMcsiJ1S2U+ZU1J+Ar8fxLWqMD92ELdO4CIFOALxgMvhev/EE37eq96LjU+30Oese3rLflob0nEPN1',
  ],
);

/** For *.post.example. */
export const ISSUED_WILDCARD = der(
  ...[
    'MIIBpTCCAUugAwIBAgICEAEwCgYIKoZIzj0EAwIwMjELMAkGA1UEBhMCVVMxFjAUBgNVBAoMDUxldCdzIEVuY3J5cHQxCzAJBgNV',
    'BAMMAlIwMB4XDTIwMDEwMTAwMDAwMFoXDTQ5MTIzMTAwMDAwMFowGzEZMBcGA1UEAwwQbXgxLnBvc3QuZXhhbXBsZTBZMBMGByqG',
    'SM49AgEGCCqGSM49AwEHA0IABOWHdt/LY31M82Tk1rW6nbC3NnkzbVS41QDBibG8scygHwsEbXPVtZQlUi1eKltuoeIaZduR/bRH',
    '2P8q+GlN5pWjaDBmMAkGA1UdEwQCMAAwGQYDVR0RBBIwEIIOKi5wb3N0LmV4YW1wbGUwHQYDVR0OBBYEFPWnFF91SubFbUCdYpvb',
    'kXDi2xKsMB8GA1UdIwQYMBaAFFY8chaATvR6ZkVtnGLQWnMy44BFMAoGCCqGSM49BAMCA0gAMEUCIQCdvfQgrBDO14yf17JRpHR3',
    'Xp7mt0U4juEA3yDd1E4eNwIgLsadDm+tNjhqGwWaQqKcNPjL0qmXsC/rUMz+xVeVD/8=',
  ],
);

const spki = new X509Certificate(ISSUED).publicKey.export({ type: 'spki', format: 'der' });
/** The TLSA record of both. */
export const ISSUED_TLSA = `3 1 1 ${createHash('sha256').update(spki).digest('hex')}`;
