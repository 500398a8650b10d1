/** `npm run bundle`: makes functions/dist, one folder a function, as it is deployed. */
import { Command } from 'commander';
import { bundleFunctions } from '../bundle/bundle.ts';
import { projectBundles } from '../bundle/project.ts';
import { parseCommandLine, runCommand } from '../command.ts';

const command = new Command().description('Bundles each Lambda function into functions/dist.');

if (parseCommandLine(command, 'bundle')) {
  await runCommand({ isVerbose: false }, async () => {
    const { bundles } = await bundleFunctions(projectBundles);
    for (const { name, bytes, zippedBytes, sha256 } of bundles) {
      const sizes = `${inKb(bytes)}, ${inKb(zippedBytes)} zipped`;
      console.log(`${name.padEnd(20)} ${sizes.padEnd(26)} ${sha256.slice(0, 12)}`);
    }
  });
}

function inKb(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KB`;
}
