/**
 * On AWS the passwords come from Secrets Manager: DB_SECRET_ARN, CACHE_SECRET_ARN and QUEUE_SECRET_ARN take the variables'
 * place.
 */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ConfigurationError } from '@afterwrite/write-behind';

type Environment = Readonly<Record<string, string | undefined>>;

/** As RDS and ElastiCache write them. */
interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

const SECRETS = [
  { secret: 'DB_SECRET_ARN', user: 'DB_USER', password: 'DB_PASSWORD' },
  { secret: 'CACHE_SECRET_ARN', user: 'CACHE_USERNAME', password: 'CACHE_PASSWORD' },
  { secret: 'QUEUE_SECRET_ARN', user: 'QUEUE_USERNAME', password: 'QUEUE_PASSWORD' },
] as const;

/** Variables to put over the environment's; empty where no secret is named. */
export async function readSecrets(environment: Environment): Promise<Environment> {
  const named = SECRETS.filter(({ secret }) => environment[secret]);
  if (named.length === 0) return {};
  const client = new SecretsManagerClient({ maxAttempts: 3, requestHandler: { requestTimeout: 3000 } });
  try {
    const read = await Promise.all(
      named.map(async ({ secret, user, password }) => {
        const credentials = await readSecret(client, secret, environment[secret]);
        return [
          [user, credentials.username ?? environment[user]],
          [password, credentials.password],
        ] as const;
      }),
    );
    return Object.fromEntries(read.flat());
  } finally {
    client.destroy();
  }
}

async function readSecret(client: SecretsManagerClient, variable: string, arn: string | undefined) {
  try {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    // A plain text secret is the password itself.
    return (
      SecretString.startsWith('{') ? JSON.parse(SecretString) : { password: SecretString }
    ) as Credentials;
  } catch (error) {
    throw new ConfigurationError(
      `${variable}: the secret cannot be read. See the function's role and the ARN.`,
      {},
      error,
    );
  }
}
