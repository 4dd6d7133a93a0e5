import { webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Wide, because the app's time may be simulated while TLS looks at the machine's clock. */
const validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2049-12-31T00:00:00Z') };

export interface Certificates {
  /** What clients must trust: the path for NODE_EXTRA_CA_CERTS, and its text. */
  readonly authorityFile: string;
  readonly authority: string;
  readonly tls: { readonly key: string; readonly cert: string };
}

/** The certificate authority and server certificate of a state folder, made at its first use. Keys are its owner's alone. */
export async function certificatesIn(folder: string): Promise<Certificates> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = {
    authority: join(folder, 'ca.pem'),
    cert: join(folder, 'server.pem'),
    key: join(folder, 'server-key.pem'),
  };
  if (!existsSync(files.cert)) await make(files);
  const read = (file: string): string => readFileSync(file, 'utf8');
  return {
    authorityFile: files.authority,
    authority: read(files.authority),
    tls: { key: read(files.key), cert: read(files.cert) },
  };
}

/** The authority's key is forgotten: nobody can sign with it another certificate that this machine would trust. */
async function make(files: { authority: string; cert: string; key: string }): Promise<void> {
  x509.cryptoProvider.set(webcrypto);
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: 'CN=Simulated Azure, for this machine only',
    signingAlgorithm: algorithm,
    keys: authorityKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  });
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const server = await x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: '02',
    subject: 'CN=127.0.0.1',
    issuer: authority.subject,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
        { type: 'dns', value: '*.vault.localhost' },
        { type: 'dns', value: '*.blob.localhost' },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  writeFileSync(files.authority, `${authority.toString('pem')}\n`);
  writeFileSync(files.key, `${key}\n`, { mode: 0o600 });
  // Last: its presence says that all three are there.
  writeFileSync(files.cert, `${server.toString('pem')}\n`);
}
