/// <reference path="./.sst/platform/config.d.ts" />

// SST reads this file before it knows the stage, so what it needs is imported when it is needed.
export default $config({
  async app({ stage }) {
    const { settingsOf } = await import('./infra/settings.ts');
    const { removal, isProtected } = settingsOf(stage);
    return { name: 'afterwrite', home: 'aws', removal, protect: isProtected };
  },
  async run() {
    const { createStack } = await import('./infra/stack.ts');
    return createStack();
  },
});
