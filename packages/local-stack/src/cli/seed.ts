/** `npm run seed`: makes the public schema and fills it with flights, the same everywhere and at all times. */
import {
  createFlughafenSchema,
  defaultSeededFlights,
  maxSeededFlights,
  seedFlights,
  type SeedResult,
} from '@afterwrite/flights';
import { Command, InvalidArgumentError } from 'commander';
import { type CommandContext, parseCommandLine, runCommand } from '../command.ts';
import { DatabaseError, withDatabase } from '../database.ts';
import { startServers } from '../servers.ts';

function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(count <= maxSeededFlights)) {
    throw new InvalidArgumentError(`must be a whole number from 0 to ${String(maxSeededFlights)}`);
  }
  return count;
}

const command = new Command()
  .description('Makes the schema of flughafendb where it is missing and fills it with flights.')
  .option('--flights <count>', 'flights 1 to this one exist afterwards', parseCount, defaultSeededFlights)
  .option('-v, --verbose', 'show more of what is done and of what fails')
  .addHelpText('after', '\nRows that exist are never changed; a database with other data is left alone.');

async function seed(flights: number, context: CommandContext): Promise<void> {
  const { environment, signal, notes } = context;
  const servers = await startServers({
    environment,
    signal,
    onProgress: notes.progress,
    onNotice: notes.notice,
  });
  try {
    const { DB_NAME } = servers.settings;
    const result = await withDatabase(
      servers.settings,
      { useDatabase: false, signal },
      async (connection) => {
        await createFlughafenSchema(connection, { database: DB_NAME });
        return await seedFlights(connection, {
          flights,
          onProgress: ({ done, total }) => notes.progress(`${inWords(done)} of ${inWords(total)} flights`),
        });
      },
    );
    notes.clear();
    if (result.outcome === 'FOREIGN_DATA') throw new DatabaseError(`${DB_NAME}: ${result.reason}`);
    console.log(closingLine(DB_NAME, result));
  } finally {
    await servers.stop();
  }
}

function closingLine(database: string, result: SeedResult): string {
  const total = `${database} holds ${inWords(result.flights)} flights`;
  return result.inserted === 0
    ? `${total}; all that were asked for were there.`
    : `${total}; ${inWords(result.inserted)} of them are new (${(result.durationMs / 1000).toFixed(1)} s).`;
}

function inWords(count: number): string {
  return count.toLocaleString('en');
}

if (parseCommandLine(command, 'seed')) {
  const { flights, verbose = false } = command.opts<{ flights: number; verbose?: boolean }>();
  await runCommand({ isVerbose: verbose }, (context) => seed(flights, context));
}
