/** On AWS the passwords come from Secrets Manager: DB_SECRET_ARN and CACHE_SECRET_ARN take the variables' place. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ConfigurationError } from '@afterwrite/write-behind';

type Environment = Readonly<Record<string, string | undefined>>;

/** As RDS and ElastiCache write them. */
interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** Variables to put over the environment's; empty where no secret is named. */
export async function readSecrets(environment: Environment): Promise<Environment> {
  const { DB_SECRET_ARN, CACHE_SECRET_ARN } = environment;
  if (!DB_SECRET_ARN && !CACHE_SECRET_ARN) return {};
  const client = new SecretsManagerClient({ maxAttempts: 3, requestHandler: { requestTimeout: 3000 } });
  try {
    const [db, cache] = await Promise.all([
      read(client, 'DB_SECRET_ARN', DB_SECRET_ARN),
      read(client, 'CACHE_SECRET_ARN', CACHE_SECRET_ARN),
    ]);
    return {
      ...(db ? { DB_USER: db.username ?? environment.DB_USER, DB_PASSWORD: db.password } : {}),
      ...(cache
        ? { CACHE_USERNAME: cache.username ?? environment.CACHE_USERNAME, CACHE_PASSWORD: cache.password }
        : {}),
    };
  } finally {
    client.destroy();
  }
}

async function read(client: SecretsManagerClient, variable: string, arn: string | undefined) {
  if (!arn) return undefined;
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
