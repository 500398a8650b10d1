/** `npm run console`: the page of a deployment, which asks for credentials that a browser does not have. */
import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { Forwarder } from '../remote/forwarder.ts';
import { openTarget } from '../remote/target.ts';

interface ConsoleOptions {
  readonly url: string;
  readonly tokenFile?: string;
  readonly port: number;
}

const HIGHEST_PORT = 65_535;

function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= HIGHEST_PORT) return Number(text);
  throw new InvalidArgumentError(`must be a whole number from 0 to ${String(HIGHEST_PORT)}`);
}

const command = new Command()
  .description(
    "Serves a deployment's console on this machine alone, adding your AWS credentials (the SDK's usual chain) or a bearer token to " +
      'what it asks for. Ctrl-C ends it.',
  )
  .requiredOption(
    '--url <address>',
    'of the API, such as https://abc123.execute-api.eu-central-1.amazonaws.com',
  )
  .option('--token-file <file>', 'send the bearer token in this file; AFTERWRITE_TOKEN has the token itself')
  .option('--port <number>', 'to listen on; 0 takes a free one', port, 0);

async function serve({ url, tokenFile, port }: ConsoleOptions, context: CommandContext): Promise<void> {
  const { environment, signal } = context;
  const target = openTarget({ url, tokenFile, environment });
  const forwarder = await Forwarder.listen({ target, port, onFault: (line) => console.error(line) });
  try {
    console.error(`${target.url}, ${target.access}. Whoever uses this machine can use it until Ctrl-C.`);
    console.log(`The console is on ${forwarder.url}`);
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await forwarder.close();
  }
}

if (parseCommandLine(command, 'console')) {
  const options = command.opts<ConsoleOptions>();
  await runCommand({ isVerbose: false }, (context) => serve(options, context));
}
