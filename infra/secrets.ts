/** Credentials that the functions read once, when an environment starts. */

export interface Credentials {
  readonly secret: aws.secretsmanager.Secret;
  /** Has the secret's content: who reads it waits for this. */
  readonly version: aws.secretsmanager.SecretVersion;
}

export function createCredentials(
  name: 'Cache' | 'Database',
  description: string,
  content: Readonly<Record<'username' | 'password', $util.Input<string> | undefined>>,
  recoveryWindowInDays: number,
): Credentials {
  const secret = new aws.secretsmanager.Secret(`${name}Secret`, {
    namePrefix: `${$app.name}-${$app.stage}-${name.toLowerCase()}-`,
    description,
    recoveryWindowInDays,
  });
  const version = new aws.secretsmanager.SecretVersion(`${name}SecretVersion`, {
    secretId: secret.id,
    secretString: $util.jsonStringify(content),
  });
  return { secret, version };
}
