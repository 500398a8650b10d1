/** What outlives a mistake and a machine. */
import { missing, type Rule, type Stack } from '../stack.ts';

/** RDS's standby, or two of Aurora's, of which the other can take the writer's place: in two zones. */
function isInTwoZones({ database, databaseInstances, expected }: Stack): boolean {
  if (!expected.database.isCluster) return database.multiAz === true;
  const zones = new Set(databaseInstances.map(({ availabilityZone }) => availabilityZone));
  return zones.size > 1 && databaseInstances.every(({ promotionTier }) => promotionTier <= 1);
}

export const durability: readonly Rule[] = [
  {
    name: 'somebody’s data outlives a mistake and a machine',
    isForProduction: true,
    check: (stack) => {
      const { database, queueServer } = stack;
      const { removal, protect } = stack.app;
      return [
        ...missing('`sst remove` is not refused', protect === true),
        ...missing('what is removed from the stack is deleted', removal === 'retain'),
        ...missing("the database's deletion protection is off", database.deletionProtection === true),
        ...missing(
          'the database is deleted without a final snapshot',
          database.skipFinalSnapshot === false && database.finalSnapshotIdentifier,
        ),
        ...missing(
          "the database's backups are kept for less than a week",
          database.backupRetentionPeriod >= 7 && database.deleteAutomatedBackups === false,
        ),
        ...missing('the database is in one zone only', isInTwoZones(stack)),
        ...missing(
          'what has the queue has no replica in another zone',
          queueServer.multiAzEnabled === true &&
            queueServer.automaticFailoverEnabled === true &&
            queueServer.replicasPerNodeGroup > 0,
        ),
      ];
    },
    breaks: {
      'a stack that anybody removes': (stack) => (stack.app.protect = false),
      'data that goes with the stack': (stack) => (stack.app.removal = 'remove'),
      'no deletion protection': (stack) => (stack.database.deletionProtection = false),
      'no final snapshot': (stack) => (stack.database.skipFinalSnapshot = true),
      'no backups': (stack) => (stack.database.backupRetentionPeriod = 0),
      'one zone': ({ databaseInstances }) => {
        const [first, second] = databaseInstances;
        Object.assign(first, { multiAz: false, availabilityZone: second?.availabilityZone });
      },
      'no replica': (stack) => (stack.queueServer.replicasPerNodeGroup = 0),
    },
  },
];
