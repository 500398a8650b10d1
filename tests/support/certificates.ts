/** Authorities and certificates made on the spot: Node makes keys but no X.509, and openssl is not on every machine. */
import { generateKeyPair, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import forge from 'node-forge';

const { pki } = forge;
const DAY_MS = 86_400_000;
/** `type` of a subject's other name. */
const NAME = { dns: 2, ip: 7 } as const;

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Of its authority. */
  readonly ca: string;
  /** When it ends, ms since 1970. */
  readonly endsAt: number;
}

export interface Authority {
  /** Path of its own certificate, PEM. */
  readonly file: string;
  /** A server's certificate for these names, valid for so long: a day if nothing is said. */
  issue(options: { names: readonly string[]; ip?: string; lastsMs?: number }): Certificate;
}

export async function makeAuthority(folder: string, name: string): Promise<Authority> {
  const [own, server] = await Promise.all([newKeys(), newKeys()]);
  const issuer = [{ name: 'commonName', value: name }];
  const save = (file: string, text: string): string => {
    const path = join(folder, file);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const sign = (
    keys: forge.pki.rsa.KeyPair,
    subject: string,
    extensions: object[],
    lastsMs: number = DAY_MS,
  ): string => {
    const certificate = pki.createCertificate();
    certificate.publicKey = keys.publicKey;
    // A leading 0 keeps it positive.
    certificate.serialNumber = `00${randomBytes(8).toString('hex')}`;
    certificate.validity.notBefore = new Date(Date.now() - 10 * DAY_MS);
    certificate.validity.notAfter = new Date(Date.now() + lastsMs);
    certificate.setSubject([{ name: 'commonName', value: subject }]);
    certificate.setIssuer(issuer);
    certificate.setExtensions(extensions);
    certificate.sign(own.privateKey, forge.md.sha256.create());
    return pki.certificateToPem(certificate);
  };
  const isAuthority = { name: 'basicConstraints', cA: true, critical: true };
  const key = save(`${name}.key.pem`, pki.privateKeyToPem(server.privateKey));
  const file = save(`${name}.pem`, sign(own, name, [isAuthority]));
  return {
    file,
    issue({ names, ip, lastsMs }) {
      const altNames = [
        ...names.map((value) => ({ type: NAME.dns, value })),
        ...(ip === undefined ? [] : [{ type: NAME.ip, ip }]),
      ];
      const extensions = [{ name: 'subjectAltName', altNames }];
      const text = sign(server, names[0] ?? name, extensions, lastsMs);
      return {
        ca: file,
        key,
        endsAt: Date.now() + (lastsMs ?? DAY_MS),
        cert: save(`${randomBytes(4).toString('hex')}.cert.pem`, text),
      };
    },
  };
}

/** By Node, which is far faster at it. */
async function newKeys(): Promise<forge.pki.rsa.KeyPair> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return { publicKey: pki.publicKeyFromPem(publicKey), privateKey: pki.privateKeyFromPem(privateKey) };
}
